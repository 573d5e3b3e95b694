import type { Socket } from "node:net";
import type { SocketAddress } from "../duplex.ts";
import { TransportError } from "../errors.ts";

/** How many handshakes may be in progress at once; beyond that, the oldest is aborted. */
export const MAX_HANDSHAKES = 4096;

/** The part of the socket below a handshake that is used. */
export type RawSocket = Pick<Socket, "destroy">;

interface Handshake {
  readonly remoteAddress: SocketAddress | undefined;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The handshakes of a listener: each has a timeout, and its failure is reported once. */
export class Handshakes {
  readonly #timeout: number;
  readonly #tell: (error: TransportError, remoteAddress?: SocketAddress) => unknown;
  /** In the order in which they began, oldest first. */
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

  /** A handshake is done: returns the peer's address; `undefined` if it had been aborted. */
  done(raw: RawSocket): Pick<Handshake, "remoteAddress"> | undefined {
    const handshake = this.#underWay.get(raw);
    this.#underWay.delete(raw);
    clearTimeout(handshake?.timer);
    return handshake;
  }

  /** A handshake failed: reports it, unless that has been done. */
  failed(raw: RawSocket, error: TransportError): void {
    const handshake = this.done(raw);
    if (!handshake) return;
    try {
      // The callback may be async, and reject.
      Promise.resolve(this.#tell(error, handshake.remoteAddress)).catch(() => {});
    } catch {
      // A failing callback must not affect anything else.
    }
  }

  /** Aborts the handshakes in progress, without reporting them. */
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
