import type { Codec } from "../codec.ts";
import type { ConnectionObserver } from "../observer.ts";
import type { ConnectionOptions } from "../options.ts";
import type { Reactor } from "../reactor.ts";
import type { Sender } from "../sender.ts";

/** The parts of a {@linkcode Connection}, with its limits and timeouts. */
export interface ConnectionConfig<Inbound, Outbound = Inbound, Logical = Outbound>
  extends ConnectionOptions {
  /** How messages are framed and encoded. Do not share it between connections. */
  readonly codec: Codec<Inbound, Outbound>;
  /**
   * Makes the reactor, which may keep the sender and use it at once, and what ends the connection,
   * to use it later.
   */
  readonly reactor: (
    sender: Sender<Logical>,
    control: ConnectionControl,
  ) => Reactor<Inbound, Outbound, Logical>;
  /** Keeps a quiet connection alive. */
  readonly heartbeat?: Heartbeat<Logical>;
  /** Observes the connection, for metrics and logs. */
  readonly observer?: ConnectionObserver;
  /**
   * Whether bytes go through the duplex's streams and the codec's `TransformStream`s even if
   * the duplex has a synchronous face, which costs several microseconds per chunk.
   *
   * @default {false}
   */
  readonly streams?: boolean;
}

/**
 * A message of your own that is sent when nothing else has been for a while, so that
 * neither the peer's idle timeout nor a NAT router in between drops the connection. It is
 * skipped while the queue is full.
 */
export interface Heartbeat<Logical> {
  /** Milliseconds without anything sent after which it is sent. From 1 to 2,147,483,647. */
  readonly interval: number;
  /** Makes the message to send; called each time. */
  readonly message: () => Logical;
}

/** Ends a connection, for its reactor. */
export interface ConnectionControl {
  /** Closes in order, as `Connection.close` does. May be called again. */
  end(): void;
  /** Ends at once, as `Connection.abort` does. */
  abort(reason?: unknown): void;
}
