import { addressKey } from "./address_key.ts";
import { integer, wrong } from "../check.ts";
import type { SocketAddress } from "../duplex/duplex.ts";
import { ConnectionError } from "../errors.ts";
import { inNetworks, type IpNetwork, ipNetwork, localNetworks } from "../ip_networks.ts";
import {
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
  type ServeOptions,
} from "./serve_options.ts";

const MAX_COUNT = 2 ** 31 - 1;
const CURE = "if it is a proxy, use proxyProtocol of listen(), so that its clients are known, " +
  "or put its network into trustedProxies";

/** Counts the connections of a server, in total and by address. */
export class Admission {
  readonly #max: number;
  readonly #maxPerAddress: number;
  /** Whose addresses are not counted. */
  readonly #uncounted: readonly IpNetwork[];
  readonly #perAddress = new Map<string, number>();
  #count = 0;

  /** Throws a `RangeError` or a `TypeError` for an option that is wrong. */
  constructor(
    { maxConnections = DEFAULT_MAX_CONNECTIONS, maxConnectionsPerAddress, trustedProxies = [] }:
      Pick<ServeOptions, "maxConnections" | "maxConnectionsPerAddress" | "trustedProxies">,
  ) {
    this.#max = integer("maxConnections", maxConnections, 1, MAX_COUNT);
    const perAddress = maxConnectionsPerAddress ?? DEFAULT_MAX_CONNECTIONS_PER_ADDRESS;
    this.#maxPerAddress = integer("maxConnectionsPerAddress", perAddress, 1, MAX_COUNT);
    if (!Array.isArray(trustedProxies)) {
      throw wrong("trustedProxies must be an array of networks");
    }
    const proxies = trustedProxies.map((text) => {
      const network = ipNetwork(text);
      if (network) return network;
      throw wrong(`A network in trustedProxies is like 10.0.0.0/8, not ${text}`);
    });
    const local = maxConnectionsPerAddress === undefined ? localNetworks() : [];
    this.#uncounted = [...proxies, ...local];
  }

  /** Admits a connection, or returns why not. */
  enter(address: SocketAddress | undefined): ConnectionError | undefined {
    if (this.#count >= this.#max) {
      return refusal(address, `${this.#count} connections are open, as many as maxConnections`);
    }
    const key = this.#keyOf(address);
    if (key !== undefined) {
      const count = this.#perAddress.get(key) ?? 0;
      if (count >= this.#maxPerAddress) {
        const why = `${key} has ${count} open, as many as maxConnectionsPerAddress`;
        return refusal(address, `${why}; ${CURE}`);
      }
      this.#perAddress.set(key, count + 1);
    }
    this.#count++;
    return undefined;
  }

  /** A connection that was admitted has ended. */
  leave(address: SocketAddress | undefined): void {
    this.#count--;
    const key = this.#keyOf(address);
    if (key === undefined) return;
    const left = this.#perAddress.get(key)! - 1;
    if (left > 0) this.#perAddress.set(key, left);
    else this.#perAddress.delete(key);
  }

  /** What counts as one address; `undefined` if it does not count. */
  #keyOf(address: SocketAddress | undefined): string | undefined {
    if (address?.transport !== "tcp") return undefined;
    return inNetworks(address.hostname, this.#uncounted) ? undefined : addressKey(address);
  }
}

function refusal(address: SocketAddress | undefined, why: string): ConnectionError {
  const message = `The connection was refused: ${why}`;
  const error = new ConnectionError("too-many-connections", message);
  if (address) error.remoteAddress = address;
  return error;
}
