import type { SocketAddress } from "./duplex.ts";
import { ConnectionError } from "./errors.ts";

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
    const key = keyOf(address);
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
    const key = keyOf(address);
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

/** What counts as one address; `undefined` for Unix sockets, and for a peer that has already gone. */
function keyOf(address: SocketAddress | undefined): string | undefined {
  if (address?.transport !== "tcp") return undefined;
  const { hostname } = address;
  if (!hostname.includes(":")) return hostname;
  // An IPv4-mapped address.
  if (hostname.includes(".")) return hostname.slice(hostname.lastIndexOf(":") + 1);
  // An IPv6 customer gets at least a /64, and may use any address in it.
  const [head = "", tail] = hostname.replace(/%.*/, "").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}
