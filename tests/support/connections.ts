import {
  type CloseReason,
  Connection,
  type ConnectionOptions,
  type Duplex,
  duplexPair,
  type DuplexPairOptions,
  type Reactor,
} from "../../mod.ts";
import { End } from "./end.ts";
import { framesCodec } from "./framing.ts";
import { deferred, soon } from "./within.ts";

/** A connection of frames, and what its reactor has heard. */
export class Peer {
  readonly connection: Connection<number[]>;
  readonly received: number[][] = [];
  /** What `onClose` was called with. */
  readonly reasons: CloseReason[] = [];
  #changed = deferred();

  /** `reactor` says what the callbacks do besides taking notes. */
  constructor(
    duplex: Duplex,
    reactor: Partial<Reactor<number[]>> = {},
    options: ConnectionOptions = {},
  ) {
    this.connection = new Connection(duplex, {
      ...options,
      codec: framesCodec(),
      reactor: () => ({
        ...reactor,
        onInboundMessage: (message, bytes) => {
          this.received.push(message);
          this.#change();
          return reactor.onInboundMessage?.(message, bytes);
        },
        onClose: (reason) => {
          this.reasons.push(reason);
          return reactor.onClose?.(reason);
        },
      }),
    });
  }

  get sender(): Connection<number[]>["sender"] {
    return this.connection.sender;
  }

  /** How it ended. */
  get closed(): Promise<CloseReason> {
    return soon(this.connection.closed, "a connection to close");
  }

  /** Waits for that many messages, and returns all there are. */
  async messages(count: number): Promise<number[][]> {
    while (this.received.length < count) {
      await soon(this.#changed.promise, `message ${this.received.length + 1} of ${count}`);
    }
    return this.received;
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = deferred();
    resolve();
  }
}

/** A peer in memory, and the other end, to be played by hand. */
export function peerAndEnd(
  reactor?: Partial<Reactor<number[]>>,
  options: ConnectionOptions & DuplexPairOptions = {},
): [Peer, End] {
  const [here, there] = duplexPair(options);
  return [new Peer(here, reactor, options), new End(there)];
}

/** Two peers in memory. */
export function peers(
  a?: Partial<Reactor<number[]>>,
  b?: Partial<Reactor<number[]>>,
  options: ConnectionOptions & DuplexPairOptions = {},
): [Peer, Peer] {
  const [here, there] = duplexPair(options);
  return [new Peer(here, a, options), new Peer(there, b, options)];
}

/** The code of the error that a connection ended with, or how it ended in order. */
export function codeOf(reason: CloseReason): string {
  return reason.kind === "error" ? reason.error.code : reason.kind;
}
