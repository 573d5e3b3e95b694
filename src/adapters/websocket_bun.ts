/**
 * A listener for WebSockets over `Bun.serve`.
 *
 * Bun has no backpressure towards the client: see `maxBufferedBytes`.
 *
 * @example
 * ```ts ignore
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect } from "@protosocket/protosocket/websocket";
 * import { listen } from "@protosocket/protosocket/websocket-bun";
 *
 * await using server = serve(await listen({ port: 0 }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * const { port } = server.address as { port: number };
 * await using client = new Connection(await connect(`ws://127.0.0.1:${port}`), {
 *   codec: lengthDelimited(),
 *   reactor: () => ({
 *     onInboundMessage(message) {
 *       console.log(message);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await client.sender.send(new Uint8Array([1, 2, 3]));
 * await client.closed;
 * ```
 *
 * @module
 */
import type { SocketAddress, UpgradeInfo } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { toTransportError } from "./base/_errors.ts";
import { listenerOf } from "./base/_listener.ts";
import { BunTransport, type BunWebSocket } from "./websocket/_bun.ts";
import {
  checkUpgradeOptions,
  checkWebSocketListenOptions,
  offersHalfClose,
  refusalOf,
  takes,
  type UpgradeListenerOptions,
  type UpgradeRequest,
  type WebSocketListenOptions,
} from "./websocket/_listen.ts";
import { listenBehindProxy } from "./websocket/_proxied.ts";
import { described, Upgrade } from "./websocket/_request.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf } from "./websocket/_settings.ts";
import type { WebSocketUse } from "./websocket/_transport.ts";

export type { UpgradeListenerOptions, WebSocketListenOptions } from "./websocket/_listen.ts";
export type { ProxyProtocolOptions } from "./base/_options.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** The parts of Bun that are used, declared here so that every type checker knows them. */
interface BunApi {
  serve(options: object): BunServer;
}

interface BunServer extends BunUpgrader {
  readonly hostname: string;
  readonly port: number;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** What Bun keeps for each WebSocket. */
interface SocketState {
  readonly use: WebSocketUse;
  readonly request: UpgradeInfo;
  transport?: BunTransport;
}

type Socket = BunWebSocket & { readonly data: SocketState };

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  const api = bun();
  checkWebSocketListenOptions(options);
  if (options.proxyProtocol !== undefined) return await listenBehindProxy(options);
  const { hostname = "127.0.0.1", port } = options;
  const sockets = upgradeListener(options);
  let server: BunServer;
  try {
    server = api.serve({
      hostname,
      port,
      fetch: (request: Request, server: BunServer) => sockets.upgrade(request, server),
      websocket: sockets.websocket,
    });
  } catch (error) {
    throw toTransportError(`Cannot listen on ${hostname}:${port}`, error);
  }
  return listenerOf({ transport: "tcp", hostname, port: server.port }, sockets, () => {
    // Not awaited: it would wait for the WebSockets, which stay open.
    server.stop()?.catch(() => {});
    sockets.close();
  });
}

/** A listener for the WebSockets of an HTTP server that you have already. */
export interface UpgradeListener extends Listener {
  /** What `Bun.serve` needs as its `websocket`. It is for this listener's WebSockets alone. */
  readonly websocket: BunWebSocketHandlers;
  /** Whether a request asks for a WebSocket, at the `pathname` of this listener. */
  takes(request: Request): boolean;
  /**
   * Accepts a WebSocket, or says in the response why not. `server` is what `Bun.serve` gives its
   * handler. What it returns is to be returned from there; of a WebSocket, Bun ignores it.
   */
  upgrade(request: Request, server: BunUpgrader): Response;
}

/** The part of Bun's server that makes WebSockets. */
export interface BunUpgrader {
  /** Makes a WebSocket of a request. */
  // deno-lint-ignore no-explicit-any
  upgrade(request: any, options: any): boolean;
  /** The address that a request came from. */
  // deno-lint-ignore no-explicit-any
  requestIP(request: any): { readonly address: string; readonly port: number } | null;
}

/** The callbacks for WebSockets, as `Bun.serve` takes them. */
export interface BunWebSocketHandlers {
  /** The longest message. */
  readonly maxPayloadLength: number;
  /** Whether messages are compressed. */
  readonly perMessageDeflate: boolean;
  /** A WebSocket has opened. */
  // deno-lint-ignore no-explicit-any
  open(socket: any): void;
  /** A message has arrived. */
  // deno-lint-ignore no-explicit-any
  message(socket: any, message: string | Uint8Array): void;
  /** There is room to send again. */
  // deno-lint-ignore no-explicit-any
  drain(socket: any): void;
  /** A WebSocket has closed. */
  // deno-lint-ignore no-explicit-any
  close(socket: any, code: number, why: string): void;
}

/**
 * Makes a listener for the WebSockets of an HTTP server that you have already, of `Bun.serve` or
 * a framework: one port for both. Closing the listener leaves that server alone. Throws a
 * `TypeError` or a `RangeError` for an option that is wrong.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { type BunUpgrader, upgradeListener } from "@protosocket/protosocket/websocket-bun";
 *
 * // `Bun` itself, where its types are installed.
 * // deno-lint-ignore no-explicit-any
 * const { Bun } = globalThis as any;
 * const sockets = upgradeListener({ pathname: "/rpc" });
 * const http = Bun.serve({
 *   port: 0,
 *   fetch(request: Request, server: BunUpgrader) {
 *     if (sockets.takes(request)) return sockets.upgrade(request, server);
 *     return new Response("Hello\n");
 *   },
 *   websocket: sockets.websocket,
 * });
 * await using server = serve(sockets, ({ request }) => {
 *   console.log(request?.url.searchParams.get("name"), request?.cookies.get("session"));
 *   return {
 *     codec: lengthDelimited(),
 *     reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 *   };
 * });
 * await http.stop();
 * ```
 */
export function upgradeListener(options: UpgradeListenerOptions = {}): UpgradeListener {
  bun();
  checkUpgradeOptions(options);
  const accepted = new AcceptQueue();
  let closed = false;
  const close = () => {
    closed = true;
    accepted.close();
  };
  return {
    ...listenerOf(options.address, accepted, close),
    websocket: {
      maxPayloadLength: limitsOf(options).maxFrameBytes,
      perMessageDeflate: false,
      open(socket: Socket) {
        const { data } = socket;
        const transport = data.transport = new BunTransport(socket, data.use);
        accepted.push(described(transport.duplex, data.request));
      },
      message: ({ data }: Socket, message) => data.transport?.received(message),
      drain: ({ data }: Socket) => data.transport?.onDrain(),
      close: ({ data }: Socket, code, why) => data.transport?.closed(code, why),
    },
    takes: (request) => takes(askedOf(request), options),
    upgrade(request, server) {
      if (closed) return new Response("No more\n", { status: 503 });
      return upgrade(request, server, options);
    },
  };
}

function upgrade(
  request: Request,
  server: BunUpgrader,
  options: UpgradeListenerOptions,
): Response {
  const asked = askedOf(request);
  const refusal = refusalOf(asked, options);
  if (refusal) return new Response(refusal.text, refusal);
  const halfClose = offersHalfClose(asked);
  const remoteAddress = addressOf(server.requestIP(request));
  const headers = new Headers(request.headers);
  const state: SocketState = {
    use: { ...options, halfClose, remoteAddress },
    request: new Upgrade(request.url, () => headers),
  };
  const upgraded = server.upgrade(request, {
    data: state,
    headers: halfClose ? { "sec-websocket-protocol": HALF_CLOSE_PROTOCOL } : {},
  });
  // Bun ignores the response to what has become a WebSocket; frameworks want one.
  return upgraded ? new Response(null) : new Response("This is for WebSockets\n", { status: 400 });
}

/** A request as the checks want it. */
function askedOf({ url, headers }: Request): UpgradeRequest {
  return { url, header: (name) => headers.get(name) };
}

function bun(): BunApi {
  const { Bun } = globalThis as unknown as { Bun?: BunApi };
  if (Bun) return Bun;
  throw new TransportError("unsupported", "This adapter needs Bun");
}

function addressOf(address: ReturnType<BunUpgrader["requestIP"]>): SocketAddress | undefined {
  return address ? { transport: "tcp", hostname: address.address, port: address.port } : undefined;
}
