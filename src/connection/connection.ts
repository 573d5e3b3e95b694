import { ConnectionCore } from "./_core.ts";
import type { CloseReason } from "../close_reason.ts";
import type { ConnectionConfig } from "./connection_config.ts";
import type { Duplex } from "../duplex/duplex.ts";
import { checkConnectionOption, type ConnectionOptions } from "../options.ts";
import type { Sender } from "../sender.ts";

/** Options of {@linkcode Connection.drain}. */
export interface DrainOptions {
  /**
   * Milliseconds that work in progress may take to finish. From 0 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly timeout?: number;
}

/**
 * Joins a {@linkcode Duplex}, a {@linkcode Codec} and a {@linkcode Reactor}: bytes
 * that arrive become messages for the reactor, messages that are sent become bytes.
 *
 * It owns the duplex and its streams, and runs from construction until it has
 * {@linkcode closed}. `await using` closes it in order.
 *
 * @example Two ends in one process
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => void sender.trySend(message) }),
 * });
 * const answered = Promise.withResolvers<Uint8Array>();
 * await using client = new Connection(here, {
 *   codec: lengthDelimited(),
 *   reactor: () => ({ onInboundMessage: answered.resolve }),
 * });
 * await client.sender.send(new TextEncoder().encode("hello"));
 * console.log(new TextDecoder().decode(await answered.promise)); // hello
 * ```
 */
export class Connection<Inbound, Outbound = Inbound, Logical = Outbound>
  implements AsyncDisposable {
  readonly #core: ConnectionCore<Inbound, Outbound, Logical>;

  /**
   * Starts at once. Throws a `RangeError` for an option out of range, a `TypeError` for a wrong
   * argument or a duplex that somebody else uses, or whatever `config.reactor` throws; the duplex
   * is then untouched. `defaults` apply to options that `config` leaves out.
   */
  constructor(
    duplex: Duplex,
    config: ConnectionConfig<Inbound, Outbound, Logical>,
    defaults: ConnectionOptions = {},
  ) {
    this.#core = new ConnectionCore(duplex, config, defaults);
  }

  /** Resolves, and never rejects, with how the connection ended. */
  get closed(): Promise<CloseReason> {
    return this.#core.closed;
  }

  /** How many bytes have been received. */
  get bytesReceived(): number {
    return this.#core.bytesReceived;
  }

  /** How many bytes have been written to the transport. */
  get bytesSent(): number {
    return this.#core.bytesSent;
  }

  /** How much work is in progress, if the reactor tells: RPCs that have been begun. */
  get inFlight(): number {
    return this.#core.inFlight;
  }

  /** Sends messages; any number of callers may share it. */
  get sender(): Sender<Logical> {
    return this.#core.outbox;
  }

  /**
   * Closes in order: accepts no more messages, sends what is queued, ends the writable
   * (half-close), and waits for the peer to end too. Messages that still arrive are
   * dropped. After `drainTimeout` the connection is aborted, which is an error of code
   * `drain-timeout` only if something was left unsent.
   *
   * Resolves with how the connection ended, and never rejects. May be called again.
   */
  close(): Promise<CloseReason> {
    this.#core.end();
    return this.closed;
  }

  /**
   * Lets work in progress finish, then closes in order: the reactor is asked to accept no
   * new work, and once it is done, or `timeout` has passed, the connection closes. Without
   * {@linkcode Reactor.onDrain} it closes at once.
   *
   * Resolves with how the connection ended. May be called again; the `timeout` that passes
   * first counts. Throws a `RangeError` for a `timeout` out of range.
   */
  drain(options: DrainOptions = {}): Promise<CloseReason> {
    const timeout = checkConnectionOption("drainTimeout", options.timeout, "timeout");
    this.#core.drain(timeout);
    return this.closed;
  }

  /**
   * Ends at once: drops what is queued and aborts the transport. `closed` then resolves
   * with a {@linkcode ConnectionError} of code `aborted`, with `reason` as its cause. Does
   * nothing once the connection has ended.
   */
  abort(reason?: unknown): void {
    this.#core.abort(reason);
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
