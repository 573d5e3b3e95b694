/**
 * Cloudflare Workers: connections over TCP (`cloudflare:sockets`), WebSockets that come to
 * a worker, and those of a Durable Object that sleeps meanwhile.
 *
 * **Whose a socket is.** A socket belongs to the request, or to the Durable Object, in
 * which it was made: used from another request it fails ("Cannot perform I/O on behalf of
 * a different request"). So make the connection in the handler and close it there, or keep
 * it in a Durable Object, which all requests share. A connection in a variable of the
 * module works for the first request only.
 *
 * **How long it lives.** Until its handler is done; `ctx.waitUntil(client.close())` lets it
 * end in order after the response. A WebSocket that came with a request goes on.
 *
 * **How many.** Six at once for each invocation, requests by `fetch` among them; further
 * ones wait. One connection carries any number of rpcs, so one is mostly enough.
 *
 * **Where to.** Not to port 25, nor to addresses of Cloudflare itself; to private networks
 * by a binding. Addresses that `workerd` itself may reach are a matter of its configuration.
 *
 * **What it does not tell.** Why it cannot connect: the code is `unreachable` where other
 * adapters say `refused`, `not-found` or `unreachable`. An abort may reach the other end as
 * an end in order. Workers have no TCP listeners.
 *
 * @example A worker that answers by an rpc
 * ```ts ignore
 * import { connect } from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * export default {
 *   async fetch(_request: Request, _env: unknown, ctx: Context): Promise<Response> {
 *     const duplex = await connect({ hostname: "rpc.example.com", port: 9000 });
 *     const client = new RpcClient(duplex, {
 *       codec: json<Plain<string>>(),
 *       messages: { request: plainMessage<string>(), response: plainMessage<string>() },
 *     });
 *     const answer = await client.unary(plain("world"), { timeout: 1000 });
 *     ctx.waitUntil(client.close());
 *     return Response.json(answer);
 *   },
 * };
 *
 * interface Context {
 *   waitUntil(work: Promise<unknown>): void;
 * }
 * ```
 *
 * @module
 */
import type { SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import { connectFailed, opened } from "./_cloudflare_open.ts";
import { pairFor, type UpgradeOptions } from "./_cloudflare_pair.ts";
import {
  type CloudflareConnect,
  type CloudflareDuplex,
  CloudflareSocketDuplex,
} from "./_cloudflare_socket.ts";
import { connectAborted, invalid, placeOf, unsupported } from "./_options.ts";
import { EventTransport } from "./_websocket_events.ts";

export {
  type HibernatingState,
  type HibernatingWebSocket,
  HibernatingWebSockets,
  type OnHibernatingSocket,
} from "./_cloudflare_hibernation.ts";
export type { UpgradeOptions } from "./_cloudflare_pair.ts";
export type { CloudflareDuplex } from "./_cloudflare_socket.ts";
export type { Rest } from "./_cloudflare_rest.ts";
export type { WebSocketLike } from "./_websocket_events.ts";
export type { WebSocketOptions } from "./_websocket_options.ts";
export type { OriginOptions } from "./_websocket_origin.ts";

/** The default of {@linkcode CloudflareConnectOptions.connectTimeout}: 10 seconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** Where to connect to, and how. */
export interface CloudflareConnectOptions {
  /** A host name or a numeric address. */
  readonly hostname: string;
  /** The port, 1 to 65535. */
  readonly port: number;
  /**
   * `on`: speaks TLS from the beginning, as the runtime does: with the public roots, for
   * this hostname. `starttls`: begins in plain text, to go over to TLS by
   * {@linkcode CloudflareDuplex.startTls}.
   *
   * @default {"off"}
   */
  readonly secureTransport?: "off" | "on" | "starttls";
  /**
   * Milliseconds that connecting may take, with the TLS handshake. From 1 to 2,147,483,647.
   *
   * @default {10_000}
   */
  readonly connectTimeout?: number;
  /** Gives up connecting: a {@linkcode TransportError} of code `aborted`. Means nothing afterwards. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a TCP address from a Worker. Rejects with a {@linkcode TransportError}:
 * `unreachable` whatever the reason is that the runtime could not connect, `not-found` for
 * a hostname that cannot be one, `timed-out`, `aborted`, or `unsupported` outside of Workers.
 */
export async function connect(options: CloudflareConnectOptions): Promise<CloudflareDuplex> {
  const { secureTransport = "off", connectTimeout = DEFAULT_CONNECT_TIMEOUT, signal } = options;
  check(options);
  const { hostname, port } = options;
  if (signal?.aborted) throw connectAborted(signal);
  const dial = await sockets();
  if (signal?.aborted) throw connectAborted(signal);
  let socket;
  try {
    socket = dial({ hostname, port }, { allowHalfOpen: true, secureTransport });
  } catch (error) {
    throw connectFailed({ hostname, port }, error);
  }
  const { remoteAddress } = await opened(socket, { hostname, port }, connectTimeout, signal);
  return new CloudflareSocketDuplex(socket, remoteAddress);
}

/** A request that became a WebSocket, or did not; `response` is to be returned in any case. */
export type Upgrade =
  | {
    readonly kind: "accepted";
    readonly duplex: SocketDuplex;
    readonly response: Response;
  }
  | { readonly kind: "refused"; readonly response: Response };

/**
 * Makes a connection of a request for a WebSocket. Refuses others with status 426, and
 * pages of other origins with 403, see {@linkcode UpgradeOptions.allowedOrigins}; messages
 * of more than {@linkcode UpgradeOptions.maxFrameBytes} end the connection. A worker cannot
 * make the client wait: see {@linkcode UpgradeOptions.maxBufferedBytes}.
 *
 * Throws a {@linkcode TransportError} of code `invalid-option`, or `unsupported` outside
 * of Workers.
 *
 * @example A worker that serves rpcs
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import { upgradeWebSocket } from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { rpcReactor } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 *
 * export default {
 *   fetch(request: Request): Response {
 *     const upgrade = upgradeWebSocket(request);
 *     if (upgrade.kind === "accepted") {
 *       new Connection(upgrade.duplex, {
 *         codec: json<Plain<string>>(),
 *         reactor: rpcReactor(messages, ({ body }) => plain(`hello, ${body}`)),
 *       });
 *     }
 *     return upgrade.response;
 *   },
 * };
 * ```
 */
export function upgradeWebSocket(request: Request, options: UpgradeOptions = {}): Upgrade {
  const upgrade = pairFor(request, options);
  if (upgrade.kind === "refused") return upgrade;
  const { socket, halfClose, response } = upgrade;
  socket.accept?.();
  const { duplex } = new EventTransport(socket, { ...options, halfClose });
  return { kind: "accepted", duplex, response };
}

/** Finds the runtime's own. The name is a variable, as other tools and runtimes know of no such module. */
async function sockets(): Promise<CloudflareConnect> {
  const name: string = "cloudflare:sockets";
  try {
    return (await import(name)).connect;
  } catch (cause) {
    throw new TransportError("unsupported", "This adapter needs Cloudflare Workers", { cause });
  }
}

/** What the adapters of other runtimes know and this one cannot do. */
const NOT_HERE = ["path", "tls", "noDelay", "keepAlive"];

function check(options: CloudflareConnectOptions): void {
  const { hostname, port, secureTransport = "off", connectTimeout = DEFAULT_CONNECT_TIMEOUT } =
    options;
  for (const name of NOT_HERE) {
    if (Object.hasOwn(options, name)) throw unsupported(name, "Workers have no such setting");
  }
  if (typeof hostname !== "string") throw invalid(`hostname must be a string, not ${hostname}`);
  placeOf({ hostname, port }, 1);
  if (!["off", "on", "starttls"].includes(secureTransport)) {
    throw invalid(`secureTransport must be "off", "on" or "starttls", not ${secureTransport}`);
  }
  if (!Number.isInteger(connectTimeout) || connectTimeout < 1 || connectTimeout >= 2 ** 31) {
    throw invalid(
      `connectTimeout must be an integer from 1 to ${2 ** 31 - 1}, not ${connectTimeout}`,
    );
  }
}
