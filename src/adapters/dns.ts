/**
 * Finds the endpoints of an `RpcPool` by DNS, over `node:dns`, which Deno, Bun and Node
 * all have.
 *
 * @example
 * ```ts
 * import { dnsEndpoints } from "@protosocket/protosocket/dns";
 * import { json } from "@protosocket/protosocket/json";
 * import { connect } from "@protosocket/protosocket/node"; // or /deno, /bun
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
import { integer, requireOptions, wrong } from "../check.ts";
import { lookup, Resolver } from "node:dns/promises";
import { limited, type Limits } from "../waits/bounded.ts";
import { TransportError } from "../errors.ts";
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
  check(options);
  const { hostname, port, family } = options;
  return async ({ signal } = {}) => {
    const addresses = await limited(find(hostname, family), { signals: [signal] });
    return [...new Set(addresses)].map((hostname) => ({ hostname, port }));
  };
}

/** Options of {@linkcode dnsTtlEndpoints}. */
export interface DnsTtlOptions extends DnsOptions {
  /**
   * The name servers to ask: addresses, with a port if it is not 53, such as
   * `127.0.0.1:8600` or `[::1]:53`.
   *
   * @default {undefined} those of the system
   */
  readonly nameServers?: readonly string[];
}

/**
 * Makes a function as {@linkcode dnsEndpoints} does, which asks the name servers for records
 * of type A and AAAA, and so learns how long they are valid: the pool looks them up again when
 * that time has passed, or its `endpointsTtl` if that is less. The hosts file does not count.
 */
export function dnsTtlEndpoints(
  options: DnsTtlOptions,
): (
  options?: { readonly signal?: AbortSignal },
) => Promise<{ readonly endpoints: DnsEndpoint[]; readonly ttl: number }> {
  check(options);
  const { hostname, port, family, nameServers } = options;
  resolverOf(nameServers);
  return async ({ signal } = {}) => {
    const resolver = resolverOf(nameServers);
    const families = family === undefined ? [4, 6] as const : [family];
    const answers = families.map((family) =>
      family === 4
        ? resolver.resolve4(hostname, { ttl: true })
        : resolver.resolve6(hostname, { ttl: true })
    );
    const results = await limited(Promise.allSettled(answers), until(signal, resolver));
    const found = results.flatMap((result) => result.status === "fulfilled" ? result.value : []);
    if (found.length === 0) {
      // With both families, either may be the one that there is.
      const failed = results.find((result) => result.status === "rejected");
      throw notFound(hostname, failed?.reason);
    }
    const addresses = new Set(found.map(({ address }) => address));
    return {
      endpoints: [...addresses].map((hostname) => ({ hostname, port })),
      ttl: 1000 * Math.min(...found.map(({ ttl }) => ttl)),
    };
  };
}

/** Options of {@linkcode srvEndpoints}. */
export interface SrvOptions {
  /** The name of the records, such as `_echo._tcp.example.com`. */
  readonly name: string;
  /**
   * The name servers to ask: addresses, with a port if it is not 53, such as
   * `127.0.0.1:8600` or `[::1]:53`.
   *
   * @default {undefined} those of the system
   */
  readonly nameServers?: readonly string[];
}

/** What an SRV record says. Spread it into the options of `connect`, which ignores the rest. */
export interface SrvEndpoint extends DnsEndpoint {
  /** The name of the server, which `connect` looks up, and which TLS compares. */
  readonly hostname: string;
  /** Servers of a higher number are for when those of lower ones are away. */
  readonly priority: number;
  /** How many calls it gets, compared with others of the same priority; 0 counts as 0.1. */
  readonly weight: number;
}

/**
 * Makes a function that finds endpoints by SRV records (RFC 2782), for the `endpoints` of an
 * `RpcPool`, which heeds their priorities and weights. The pool decides when to look them up
 * again: runtimes do not tell how long SRV records are valid.
 *
 * The function rejects as that of {@linkcode dnsEndpoints} does, also if the service is
 * decidedly not there (a record whose target is `.`).
 */
export function srvEndpoints(
  options: SrvOptions,
): (options?: { readonly signal?: AbortSignal }) => Promise<SrvEndpoint[]> {
  requireOptions("options", "a name", options);
  const { name, nameServers } = options;
  if (typeof name !== "string" || name === "") {
    throw wrong("name must be a name that is not empty");
  }
  resolverOf(nameServers);
  return async ({ signal } = {}) => {
    const resolver = resolverOf(nameServers);
    const records = await limited(
      resolver.resolveSrv(name).catch((error) => Promise.reject(notFound(name, error))),
      until(signal, resolver),
    );
    const found = new Map<string, SrvEndpoint>();
    for (const { name, port, priority, weight } of records) {
      const hostname = name.replace(/\.$/, "");
      if (hostname === "") continue;
      found.set(`${hostname} ${port}`, { hostname, port, priority, weight: weight || LIGHT });
    }
    if (found.size === 0) throw notFound(name);
    return [...found.values()];
  };
}

/** For a weight of 0: a server that is chosen seldom, unless all weights are 0. */
const LIGHT = 0.1;

function resolverOf(nameServers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver();
  if (nameServers === undefined) return resolver;
  try {
    resolver.setServers(nameServers);
  } catch (cause) {
    throw wrong(`nameServers must be addresses, not ${String(nameServers)}`, cause);
  }
  return resolver;
}

function notFound(name: string, cause?: unknown): TransportError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (cause === undefined || code === "ENODATA" || code === "ENOTFOUND") {
    const message = `Cannot find ${name}: there are no such records`;
    return new TransportError("not-found", message, cause === undefined ? {} : { cause });
  }
  return toTransportError(`Cannot find ${name}`, cause);
}

function check(options: DnsOptions): void {
  requireOptions("options", "a hostname", options);
  const { hostname, port, family } = options;
  if (typeof hostname !== "string" || hostname === "") {
    throw wrong("hostname must be a name that is not empty");
  }
  integer("port", port, 1, 65535);
  if (family !== undefined && family !== 4 && family !== 6) {
    throw wrong(`family must be 4 or 6, not ${String(family)}`);
  }
}

async function find(hostname: string, family: 4 | 6 | undefined): Promise<string[]> {
  try {
    const found = await lookup(hostname, { all: true, family: family ?? 0 });
    return found.map(({ address }) => address);
  } catch (error) {
    throw toTransportError(`Cannot find ${hostname}`, error);
  }
}

/** Limits a query by a signal, which ends the query too. */
function until(signal: AbortSignal | undefined, resolver: Resolver): Limits {
  return {
    signals: [signal],
    aborted({ reason }) {
      resolver.cancel();
      return reason;
    },
  };
}
