/**
 * Cloudflare Workers: TCP connections (`cloudflare:sockets`), WebSockets accepted by a
 * Worker, and WebSockets of a Durable Object that hibernates.
 *
 * **Ownership.** A socket belongs to the request, or to the Durable Object, that opened it:
 * used from another request, it fails ("Cannot perform I/O on behalf of a different
 * request"). So connect in the handler and close there, or keep the connection in a Durable
 * Object, which all requests share. A connection in a module variable works for the first
 * request only.
 *
 * **Lifetime.** A TCP connection lives until its handler is done;
 * `ctx.waitUntil(client.close())` lets it close in order after the response. A WebSocket
 * that was accepted from a request stays open.
 *
 * **Number.** Six open connections per invocation, including those of `fetch`; further ones
 * wait. One connection carries any number of RPCs, so one is usually enough.
 *
 * **Destinations.** Not port 25, nor Cloudflare's own addresses; private networks only by a
 * binding. Which addresses plain `workerd` can reach depends on its configuration.
 *
 * **Limitations.** The runtime does not report why it could not connect: the code is
 * `unreachable` where other adapters report `refused`, `not-found` or `unreachable`. An
 * abort may look like an orderly end to the peer. Workers have no TCP listeners.
 *
 * @example A Worker that makes an RPC
 * ```ts ignore
 * import { connect } from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient, rpcFields } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * export default {
 *   async fetch(_request: Request, _env: unknown, ctx: Context): Promise<Response> {
 *     const duplex = await connect({ hostname: "rpc.example.com", port: 9000 });
 *     const client = new RpcClient(duplex, {
 *       codec: json<Message>(),
 *       messages,
 *     });
 *     const answer = await client.unary({ text: "world" }, { timeout: 1000 });
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
import { delay, wrong } from "../check.ts";
import type { SocketDuplex } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import { connectFailed, opened } from "./cloudflare/_open.ts";
import { pairFor, type UpgradeOptions } from "./cloudflare/_pair.ts";
import {
  type CloudflareConnect,
  type CloudflareDuplex,
  CloudflareSocketDuplex,
} from "./cloudflare/_socket.ts";
import { connectAborted, placeOf, unsupported } from "./base/_options.ts";
import { EventTransport } from "./websocket/_events.ts";

export {
  type HibernatingState,
  type HibernatingWebSocket,
  HibernatingWebSockets,
  type OnHibernatingSocket,
} from "./cloudflare/_hibernation.ts";
export type { UpgradeOptions } from "./cloudflare/_pair.ts";
export type { CloudflareDuplex } from "./cloudflare/_socket.ts";
export type { Awake } from "./cloudflare/_awake.ts";
export type { WebSocketLike } from "./websocket/_events.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";
export type { OriginOptions } from "./websocket/_origin.ts";

/** The default of {@linkcode CloudflareConnectOptions.connectTimeout}: 10 seconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** Where to connect to, and how. */
export interface CloudflareConnectOptions {
  /** A host name or a numeric address. */
  readonly hostname: string;
  /** The port, 1 to 65535. */
  readonly port: number;
  /**
   * `on`: TLS from the beginning, verified by the runtime against the public roots and this
   * hostname. `starttls`: begins in plain text, and switches to TLS with
   * {@linkcode CloudflareDuplex.startTls}. `off`: plain text.
   *
   * @default {"off"}
   */
  readonly secureTransport?: "off" | "on" | "starttls";
  /**
   * Milliseconds that connecting may take, including the TLS handshake. From 1 to
   * 2,147,483,647.
   *
   * @default {10_000}
   */
  readonly connectTimeout?: number;
  /** Aborts connecting, with a {@linkcode TransportError} of code `aborted`. No effect afterwards. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a TCP address from a Worker. Rejects with a {@linkcode TransportError}:
 * `unreachable` if the runtime could not connect, for whatever reason, `not-found` for an
 * invalid host name, `timed-out`, `aborted`, or `unsupported` outside Workers; for an invalid
 * option, with a `RangeError` or a `TypeError`.
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

/** The result of {@linkcode upgradeWebSocket}. Return `response` from the handler in either case. */
export type Upgrade =
  | {
    readonly kind: "accepted";
    readonly duplex: SocketDuplex;
    readonly response: Response;
  }
  | { readonly kind: "refused"; readonly response: Response };

/**
 * Accepts a WebSocket from a request. Other requests are refused with status 426, and pages
 * of other origins with 403, see {@linkcode UpgradeOptions.allowedOrigins}. Messages larger
 * than {@linkcode UpgradeOptions.maxFrameBytes} end the connection. There is no backpressure
 * towards the client: see {@linkcode UpgradeOptions.maxBufferedBytes}.
 *
 * Throws a `RangeError` or a `TypeError` for an invalid option, and a
 * {@linkcode TransportError} of code `unsupported` outside Workers.
 *
 * @example A Worker that serves RPCs
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import { upgradeWebSocket } from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * export default {
 *   fetch(request: Request): Response {
 *     const upgrade = upgradeWebSocket(request);
 *     if (upgrade.kind === "accepted") {
 *       new Connection(upgrade.duplex, {
 *         codec: json<Message>(),
 *         reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` })),
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

/** Imports the runtime's module. Its name is a variable, since other tools cannot resolve it. */
async function sockets(): Promise<CloudflareConnect> {
  const name: string = "cloudflare:sockets";
  try {
    return (await import(name)).connect;
  } catch (cause) {
    throw new TransportError("unsupported", "This adapter needs Cloudflare Workers", { cause });
  }
}

/** Options of other adapters that Workers do not support. */
const NOT_HERE = ["path", "tls", "noDelay", "keepAlive"];

function check(options: CloudflareConnectOptions): void {
  const { hostname, port, secureTransport = "off", connectTimeout = DEFAULT_CONNECT_TIMEOUT } =
    options;
  for (const name of NOT_HERE) {
    if (Object.hasOwn(options, name)) throw unsupported(name, "Workers have no such setting");
  }
  if (typeof hostname !== "string") throw wrong(`hostname must be a string, not ${hostname}`);
  placeOf({ hostname, port }, 1);
  if (!["off", "on", "starttls"].includes(secureTransport)) {
    throw wrong(`secureTransport must be "off", "on" or "starttls", not ${secureTransport}`);
  }
  delay("connectTimeout", connectTimeout, 1);
}
