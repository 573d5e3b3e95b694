import { addressKey } from "./address_key.ts";
import type { SocketAddress } from "../duplex/duplex.ts";
import { ConnectionError } from "../errors.ts";

/** Counts the connections of a server, in total and by address. */
export class Admission {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #perAddress = new Map<string, number>();
  #count = 0;

  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Admits a connection, or returns why not. */
  enter(address: SocketAddress | undefined): ConnectionError | undefined {
    if (this.#count >= this.#max) {
      return refusal(address, `${this.#count} connections are open, as many as maxConnections`);
    }
    const key = addressKey(address);
    if (key !== undefined) {
      const count = this.#perAddress.get(key) ?? 0;
      if (count >= this.#maxPerAddress) {
        return refusal(address, `${key} has ${count} open, as many as maxConnectionsPerAddress`);
      }
      this.#perAddress.set(key, count + 1);
    }
    this.#count++;
    return undefined;
  }

  /** A connection that was admitted has ended. */
  leave(address: SocketAddress | undefined): void {
    this.#count--;
    const key = addressKey(address);
    if (key === undefined) return;
    const left = this.#perAddress.get(key)! - 1;
    if (left > 0) this.#perAddress.set(key, left);
    else this.#perAddress.delete(key);
  }
}

function refusal(address: SocketAddress | undefined, why: string): ConnectionError {
  const message = `The connection was refused: ${why}`;
  const error = new ConnectionError("too-many-connections", message);
  if (address) error.remoteAddress = address;
  return error;
}
