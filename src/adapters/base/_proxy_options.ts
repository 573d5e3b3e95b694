import type { SocketAddress } from "../../duplex/duplex.ts";
import type { TransportError } from "../../errors.ts";
import { type IpNetwork, ipNetwork } from "../../ip_networks.ts";
import { delay, integer, shown, wrong } from "../../check.ts";

/** Options of `listen` behind a proxy that speaks the PROXY protocol. */
export interface ProxyProtocolOptions {
  /**
   * Whose word is taken: the proxies' networks, such as `["10.0.0.0/8", "fd00::/8"]`, or
   * `"any"`. With `"any"`, whoever reaches the port can claim to be any address, so only the
   * proxy may reach it. `"any"` is for load balancers that keep the client's address as that
   * of the socket, and for Unix sockets.
   */
  readonly trust: readonly string[] | "any";
  /**
   * How long a header may take, in milliseconds. From 1 to 2,147,483,647. The specification
   * asks for 3 seconds at least, so that a lost packet can be sent again.
   *
   * @default {3_000}
   */
  readonly timeout?: number;
  /**
   * The longest header that is accepted, in bytes; 16 to 65,551.
   *
   * @default {4_096}
   */
  readonly maxHeaderBytes?: number;
  /**
   * Called for each connection that was ended because its header was missing, malformed, late
   * or from an address that is not trusted: with a {@linkcode TransportError} of code
   * `proxy-header` or `timed-out`, and the socket's address, unless the peer had left already. The
   * listener continues; what this throws is ignored.
   */
  readonly onHeaderError?: (error: TransportError, remoteAddress?: SocketAddress) => void;
}

/** {@linkcode ProxyProtocolOptions}, checked. */
export interface ProxySettings {
  /** `undefined` for all. */
  readonly trusted: readonly IpNetwork[] | undefined;
  readonly timeout: number;
  readonly maxHeaderBytes: number;
  readonly onHeaderError: NonNullable<ProxyProtocolOptions["onHeaderError"]>;
}

const OPTIONS = ["trust", "timeout", "maxHeaderBytes", "onHeaderError"];
const DEFAULT_TIMEOUT = 3000;
/** The default of how long a header may be: 4 KiB. */
export const DEFAULT_MAX_HEADER_BYTES: number = 4096;

/**
 * Checks the option `proxyProtocol`. `unix` is whether it is of a Unix socket, whose peers have
 * no address that could be looked up in a list. Throws a `TypeError` or a `RangeError`.
 */
export function checkProxyProtocol(options: unknown, unix: boolean): ProxySettings {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrong(`proxyProtocol must be an object with options, not ${shown(options)}`);
  }
  const strange = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (strange !== undefined) {
    throw wrong(`proxyProtocol has no option ${strange}; there are: ${OPTIONS.join(", ")}`);
  }
  const {
    trust,
    timeout = DEFAULT_TIMEOUT,
    maxHeaderBytes = DEFAULT_MAX_HEADER_BYTES,
    onHeaderError = () => {},
  } = options as ProxyProtocolOptions;
  delay("proxyProtocol.timeout", timeout, 1);
  integer("proxyProtocol.maxHeaderBytes", maxHeaderBytes, 16, 16 + 65535);
  if (typeof onHeaderError !== "function") {
    throw wrong(`proxyProtocol.onHeaderError must be a function, not ${shown(onHeaderError)}`);
  }
  if (unix && trust !== "any") {
    throw wrong('proxyProtocol.trust must be "any" for a Unix socket: its peers have no address');
  }
  return { trusted: networksOf(trust), timeout, maxHeaderBytes, onHeaderError };
}

function networksOf(trust: unknown): IpNetwork[] | undefined {
  if (trust === "any") return undefined;
  if (!Array.isArray(trust) || trust.length === 0) {
    throw wrong('proxyProtocol.trust must be "any" or an array of at least one network');
  }
  return trust.map((text) => {
    const network = ipNetwork(text);
    if (network) return network;
    throw wrong(`A network in proxyProtocol.trust is like 10.0.0.0/8, not ${shown(text)}`);
  });
}
