import type { Socket } from "node:net";
import type { SocketAddress } from "../duplex.ts";
import { TransportError } from "../errors.ts";

/** How many handshakes may be under way at once; of more, the one that has taken longest is given up. */
export const MAX_HANDSHAKES = 4096;

/** What is used of the socket below a handshake. */
export type RawSocket = Pick<Socket, "destroy">;

interface Handshake {
  readonly remoteAddress: SocketAddress | undefined;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The handshakes of a listener: each has its time, and its failure is told once. */
export class Handshakes {
  readonly #timeout: number;
  readonly #tell: (error: TransportError, remoteAddress?: SocketAddress) => unknown;
  /** In the order in which they began. */
  readonly #underWay = new Map<RawSocket, Handshake>();

  constructor(
    timeout: number,
    tell: (error: TransportError, remoteAddress?: SocketAddress) => unknown,
  ) {
    this.#timeout = timeout;
    this.#tell = tell;
  }

  /** A client has connected. */
  begin(raw: RawSocket, remoteAddress: SocketAddress | undefined): void {
    for (const oldest of this.#underWay.keys()) {
      if (this.#underWay.size < MAX_HANDSHAKES) break;
      this.#giveUp(oldest, `${MAX_HANDSHAKES} younger ones are under way`);
    }
    const timer = setTimeout(
      () => this.#giveUp(raw, `it took longer than ${this.#timeout} ms`),
      this.#timeout,
    );
    this.#underWay.set(raw, { remoteAddress, timer });
  }

  /** It is done: tells whose it was, or nothing if it had been given up. */
  done(raw: RawSocket): Pick<Handshake, "remoteAddress"> | undefined {
    const handshake = this.#underWay.get(raw);
    this.#underWay.delete(raw);
    clearTimeout(handshake?.timer);
    return handshake;
  }

  /** It failed, which is told unless it has been. */
  failed(raw: RawSocket, error: TransportError): void {
    const handshake = this.done(raw);
    if (!handshake) return;
    try {
      // An observer that is an async function throws like this.
      Promise.resolve(this.#tell(error, handshake.remoteAddress)).catch(() => {});
    } catch {
      // Nobody else is to be harmed by an observer.
    }
  }

  /** No more will come: those that are under way are ended, and not told of. */
  close(): void {
    for (const raw of this.#underWay.keys()) {
      this.done(raw);
      raw.destroy();
    }
  }

  #giveUp(raw: RawSocket, why: string): void {
    this.failed(raw, new TransportError("timed-out", `The handshake was given up: ${why}`));
    raw.destroy();
  }
}
