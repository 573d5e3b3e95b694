/**
 * Finds the endpoints of an `RpcPool` by DNS, over `node:dns`, which Deno, Bun and Node
 * all have.
 *
 * @example
 * ```ts
 * import { dnsEndpoints } from "@protosocket/protosocket/dns";
 * import { json } from "@protosocket/protosocket/json";
 * import { connect } from "@protosocket/protosocket/sockets";
 * import { RpcClient, rpcFields, RpcPool } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * // It connects, and looks the name up, at the first call.
 * await using pool = new RpcPool({
 *   endpoints: dnsEndpoints({ hostname: "echo.internal", port: 9000 }),
 *   connect: async (endpoint, { signal }) =>
 *     new RpcClient(await connect({ ...endpoint, signal }), {
 *       codec: json<Message>(),
 *       messages,
 *     }),
 * });
 * console.log(await dnsEndpoints({ hostname: "127.0.0.1", port: 9000 })());
 * ```
 *
 * @module
 */
import { integer, wrong } from "../check.ts";
import { lookup } from "node:dns/promises";
import { limited } from "../waits/bounded.ts";
import { toTransportError } from "./base/_errors.ts";

/** Options of {@linkcode dnsEndpoints}. */
export interface DnsOptions {
  /** The name to look up. A numeric address is returned as it is. */
  readonly hostname: string;
  /** The port of every endpoint, 1 to 65535. */
  readonly port: number;
  /**
   * Finds addresses of one family only: 4 or 6.
   *
   * @default {undefined} both
   */
  readonly family?: 4 | 6;
}

/** An address that was found. Spread it into the options of `connect`. */
export interface DnsEndpoint {
  /** The numeric address, such as `10.0.0.1` or `::1`. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

/**
 * Makes a function that finds all addresses of a name, for the `endpoints` of an `RpcPool`,
 * which decides when to look them up again. It uses the system's resolver, including the
 * hosts file.
 *
 * The function rejects with a {@linkcode TransportError} of code `not-found` for a name
 * without addresses, and with the signal's reason when that fires; the lookup itself cannot
 * be cancelled, and its result is then ignored. With TLS, pass the name to `connect` as
 * `serverName`.
 *
 * Throws a `RangeError` or a `TypeError` for an invalid option.
 */
export function dnsEndpoints(
  options: DnsOptions,
): (options?: { readonly signal?: AbortSignal }) => Promise<DnsEndpoint[]> {
  const { hostname, port, family } = options;
  if (typeof hostname !== "string" || hostname === "") {
    throw wrong("hostname must be a name that is not empty");
  }
  integer("port", port, 1, 65535);
  if (family !== undefined && family !== 4 && family !== 6) {
    throw wrong(`family must be 4 or 6, not ${String(family)}`);
  }
  return async ({ signal } = {}) => {
    const addresses = await limited(find(hostname, family), { signals: [signal] });
    return [...new Set(addresses)].map((hostname) => ({ hostname, port }));
  };
}

async function find(hostname: string, family: 4 | 6 | undefined): Promise<string[]> {
  try {
    const found = await lookup(hostname, { all: true, family: family ?? 0 });
    return found.map(({ address }) => address);
  } catch (error) {
    throw toTransportError(`Cannot find ${hostname}`, error);
  }
}
