import type { Socket } from "node:net";
import type { SocketAddress } from "../../duplex/duplex.ts";
import { addressKey } from "../../server/address_key.ts";
import { TransportError } from "../../errors.ts";
import { tell } from "../../user_callback.ts";

/** How many handshakes may be in progress at once; beyond that, the oldest is aborted. */
export const MAX_HANDSHAKES = 4096;

/** How many of them may come from one address; beyond that, its oldest is aborted. */
export const MAX_HANDSHAKES_PER_ADDRESS = 1024;

/** The part of the socket below a handshake that is used. */
export type RawSocket = Pick<Socket, "destroy">;

interface Handshake {
  readonly address: string | undefined;
  readonly remoteAddress: SocketAddress | undefined;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The handshakes of a listener: each has a timeout, and its failure is reported once. */
export class Handshakes {
  readonly #timeout: number;
  readonly #tell: (error: TransportError, remoteAddress?: SocketAddress) => unknown;
  readonly #what: string;
  readonly #perAddress = new Map<string, number>();
  /** In the order in which they began, oldest first. */
  readonly #underWay = new Map<RawSocket, Handshake>();

  constructor(
    timeout: number,
    tell: (error: TransportError, remoteAddress?: SocketAddress) => unknown,
    what = "The handshake",
  ) {
    this.#timeout = timeout;
    this.#tell = tell;
    this.#what = what;
  }

  /** A client has connected; `counts` for its address, unless that is of all clients. */
  begin(raw: RawSocket, remoteAddress: SocketAddress | undefined, counts = true): void {
    for (const oldest of this.#underWay.keys()) {
      if (this.#underWay.size < MAX_HANDSHAKES) break;
      this.#giveUp(oldest, `${MAX_HANDSHAKES} younger ones are under way`);
    }
    const address = counts ? addressKey(remoteAddress) : undefined;
    if (address !== undefined) this.#makeRoomFor(address);
    const timer = setTimeout(
      () => this.#giveUp(raw, `it took longer than ${this.#timeout} ms`),
      this.#timeout,
    );
    this.#underWay.set(raw, { address, remoteAddress, timer });
  }

  /** So that one address does not crowd out the others. */
  #makeRoomFor(address: string): void {
    const count = this.#perAddress.get(address) ?? 0;
    this.#perAddress.set(address, count + 1);
    if (count < MAX_HANDSHAKES_PER_ADDRESS) return;
    for (const [raw, handshake] of this.#underWay) {
      if (handshake.address !== address) continue;
      return this.#giveUp(
        raw,
        `${MAX_HANDSHAKES_PER_ADDRESS} younger ones of ${address} are under way`,
      );
    }
  }

  /** A handshake is done: returns the peer's address; `undefined` if it had been aborted. */
  done(raw: RawSocket): Pick<Handshake, "remoteAddress"> | undefined {
    const handshake = this.#underWay.get(raw);
    this.#underWay.delete(raw);
    clearTimeout(handshake?.timer);
    if (handshake?.address !== undefined) this.#leave(handshake.address);
    return handshake;
  }

  #leave(address: string): void {
    const left = this.#perAddress.get(address)! - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }

  /** A handshake failed: reports it, unless that has been done. */
  failed(raw: RawSocket, error: TransportError): void {
    const handshake = this.done(raw);
    if (!handshake) return;
    tell(this.#tell, error, handshake.remoteAddress);
  }

  /** Aborts the handshakes in progress, without reporting them. */
  close(): void {
    for (const raw of this.#underWay.keys()) {
      this.done(raw);
      raw.destroy();
    }
  }

  #giveUp(raw: RawSocket, why: string): void {
    this.failed(raw, new TransportError("timed-out", `${this.#what} was given up: ${why}`));
    raw.destroy();
  }
}
