/**
 * A listener for WebSockets over `Deno.serve`. Needs `--allow-net`. To upgrade requests in
 * a server of your own, pass the socket from `Deno.upgradeWebSocket` to `acceptWebSocket` of
 * `./websocket`.
 *
 * Deno has no backpressure towards the client: see `maxBufferedBytes`. It cannot stop
 * listening without closing its WebSockets: once the listener is closed, requests are
 * answered with 503 until the last WebSocket has closed, and only then is the port free. It
 * cannot abort a WebSocket either: one stays open until the client has replied to the
 * close, or its connection breaks.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect } from "@protosocket/protosocket/websocket";
 * import { listen } from "@protosocket/protosocket/websocket-deno";
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
import { TransportError } from "../errors.ts";
import type { Listener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { toTransportError } from "./base/_errors.ts";
import { listenerOf } from "./base/_listener.ts";
import { EventTransport, type WebSocketLike } from "./websocket/_events.ts";
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
import { HALF_CLOSE_PROTOCOL } from "./websocket/_settings.ts";

export type { UpgradeListenerOptions, WebSocketListenOptions } from "./websocket/_listen.ts";
export type { ProxyProtocolOptions } from "./base/_options.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** The parts of Deno that are used, declared here so that every type checker knows them. */
interface DenoApi {
  serve(
    options: object,
    handler: (request: Request, info: RequestInfo) => Response,
  ): { readonly addr: DenoAddr; shutdown(): Promise<void> };
  upgradeWebSocket(request: Request): {
    readonly socket: WebSocketLike;
    readonly response: Response;
  };
}

/** A TCP address, as Deno has it. */
export interface DenoAddr {
  /** The numeric address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

/** The address of a client, as `Deno.serve` tells it. */
export interface RequestInfo {
  /** The client's address. */
  readonly remoteAddr?: DenoAddr | { readonly transport: string };
}

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  const api = deno();
  checkWebSocketListenOptions(options);
  if (options.proxyProtocol !== undefined) return await listenBehindProxy(options);
  const { hostname = "127.0.0.1", port } = options;
  let server: ReturnType<DenoApi["serve"]> | undefined;
  let closed = false;
  const shutDownIfDone = () => {
    if (closed && upgrades.open === 0) server?.shutdown().catch(() => {});
  };
  const upgrades = new DenoUpgrades(api, options, shutDownIfDone);
  try {
    server = api.serve(
      { hostname, port, onListen() {} },
      (request, info) => upgrades.upgrade(request, info),
    );
  } catch (error) {
    throw toTransportError(`Cannot listen on ${hostname}:${port}`, error);
  }
  const close = () => {
    closed = true;
    upgrades.close();
    shutDownIfDone();
  };
  return listenerOf(tcp(server.addr), upgrades.accepted, close);
}

/** A listener for the WebSockets of an HTTP server that you have already. */
export interface UpgradeListener extends Listener {
  /** Whether a request asks for a WebSocket, at the `pathname` of this listener. */
  takes(request: Request): boolean;
  /**
   * Accepts a WebSocket, or says in the response why not. `info` is what `Deno.serve` gives its
   * handler; without it, `remoteAddress` is unknown.
   */
  upgrade(request: Request, info?: RequestInfo): Response;
}

/**
 * Makes a listener for the WebSockets of an HTTP server that you have already, of `Deno.serve`
 * or a framework: one port for both. Closing the listener leaves that server alone. Throws a
 * `TypeError` or a `RangeError` for an option that is wrong.
 *
 * @example
 * ```ts
 * import { serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { upgradeListener } from "@protosocket/protosocket/websocket-deno";
 *
 * const sockets = upgradeListener({ pathname: "/rpc" });
 * await using http = Deno.serve({ port: 0 }, (request, info) => {
 *   if (sockets.takes(request)) return sockets.upgrade(request, info);
 *   return new Response("Hello\n");
 * });
 * await using server = serve(sockets, ({ request }) => {
 *   console.log(request?.url.searchParams.get("name"), request?.cookies.get("session"));
 *   return {
 *     codec: lengthDelimited(),
 *     reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 *   };
 * });
 * ```
 */
export function upgradeListener(options: UpgradeListenerOptions = {}): UpgradeListener {
  const api = deno();
  checkUpgradeOptions(options);
  const upgrades = new DenoUpgrades(api, options, () => {});
  return {
    ...listenerOf(options.address, upgrades.accepted, () => upgrades.close()),
    takes: (request) => takes(askedOf(request), options),
    upgrade: (request, info) => upgrades.upgrade(request, info ?? {}),
  };
}

/** Turns requests of `Deno.serve` into WebSockets, and queues these. */
class DenoUpgrades {
  readonly accepted = new AcceptQueue();
  readonly #api: DenoApi;
  readonly #options: UpgradeListenerOptions;
  readonly #onClosed: () => void;
  // Not a count: of a client that did not answer a ping, Deno tells the close twice.
  readonly #open = new Set<WebSocketLike>();
  #closed = false;

  constructor(api: DenoApi, options: UpgradeListenerOptions, onClosed: () => void) {
    this.#api = api;
    this.#options = options;
    this.#onClosed = onClosed;
  }

  /** How many WebSockets are open. */
  get open(): number {
    return this.#open.size;
  }

  upgrade(request: Request, { remoteAddr }: RequestInfo): Response {
    const asked = askedOf(request);
    const refusal = refusalOf(asked, this.#options);
    if (refusal) return new Response(refusal.text, refusal);
    if (this.#closed) return new Response("No more\n", { status: 503 });
    const halfClose = offersHalfClose(asked);
    // The request's own are gone with the upgrade.
    const headers = new Headers(request.headers);
    let upgrade: ReturnType<DenoApi["upgradeWebSocket"]>;
    try {
      upgrade = this.#api.upgradeWebSocket(request);
    } catch (error) {
      return new Response(`${(error as Error).message}\n`, { status: 400 });
    }
    const { socket, response } = upgrade;
    // As an option, Deno does not find it in a list without spaces.
    if (halfClose) response.headers.set("sec-websocket-protocol", HALF_CLOSE_PROTOCOL);
    const remoteAddress = remoteAddr && "hostname" in remoteAddr ? tcp(remoteAddr) : undefined;
    const { duplex } = new EventTransport(socket, { ...this.#options, halfClose, remoteAddress });
    const accepted = described(duplex, new Upgrade(request.url, () => headers));
    // Deno does not report a client that leaves before the response, so count on open.
    socket.addEventListener("open", () => {
      this.#open.add(socket);
      socket.addEventListener("close", () => (this.#open.delete(socket), this.#onClosed()));
      this.accepted.push(accepted);
    });
    return response;
  }

  close(): void {
    this.#closed = true;
    this.accepted.close();
  }
}

/** A request as the checks want it. */
function askedOf({ url, headers }: Request): UpgradeRequest {
  return { url, header: (name) => headers.get(name) };
}

function deno(): DenoApi {
  const { Deno } = globalThis as unknown as { Deno?: DenoApi };
  if (Deno) return Deno;
  throw new TransportError("unsupported", "This adapter needs Deno");
}

function tcp({ hostname, port }: DenoAddr): Listener["address"] {
  return { transport: "tcp", hostname, port };
}
