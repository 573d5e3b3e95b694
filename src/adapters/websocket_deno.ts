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
import { EventTransport, type WebSocketLike } from "./websocket/_events.ts";
import {
  checkWebSocketListenOptions,
  offersHalfClose,
  refusalOf,
  type WebSocketListenOptions,
} from "./websocket/_listen.ts";
import { HALF_CLOSE_PROTOCOL } from "./websocket/_settings.ts";

export type { WebSocketListenOptions } from "./websocket/_listen.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** The parts of Deno that are used, declared here so that every type checker knows them. */
interface DenoApi {
  serve(
    options: object,
    handler: (request: Request, info: { remoteAddr: DenoAddr }) => Response,
  ): { readonly addr: DenoAddr; shutdown(): Promise<void> };
  upgradeWebSocket(request: Request): {
    readonly socket: WebSocketLike;
    readonly response: Response;
  };
}

interface DenoAddr {
  readonly hostname: string;
  readonly port: number;
}

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
// deno-lint-ignore require-await
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  const { Deno } = globalThis as unknown as { Deno?: DenoApi };
  if (!Deno) throw new TransportError("unsupported", "This adapter needs Deno");
  checkWebSocketListenOptions(options);
  const { hostname = "127.0.0.1", port } = options;
  const accepted = new AcceptQueue();
  let server: ReturnType<DenoApi["serve"]>;
  // Not a count: of a client that did not answer a ping, Deno tells the close twice.
  const open = new Set<WebSocketLike>();
  let closed = false;
  const shutDownIfDone = () => {
    if (closed && open.size === 0) server.shutdown().catch(() => {});
  };
  try {
    server = Deno.serve({ hostname, port, onListen() {} }, (request, { remoteAddr }) => {
      const asked = { url: request.url, header: (name: string) => request.headers.get(name) };
      const refusal = refusalOf(asked, options);
      if (refusal) return new Response(refusal.text, refusal);
      if (closed) return new Response("No more\n", { status: 503 });
      const halfClose = offersHalfClose(asked);
      let upgrade: ReturnType<DenoApi["upgradeWebSocket"]>;
      try {
        upgrade = Deno.upgradeWebSocket(request);
      } catch (error) {
        return new Response(`${(error as Error).message}\n`, { status: 400 });
      }
      const { socket, response } = upgrade;
      // As an option, Deno does not find it in a list without spaces.
      if (halfClose) response.headers.set("sec-websocket-protocol", HALF_CLOSE_PROTOCOL);
      const remoteAddress = tcp(remoteAddr);
      const { duplex } = new EventTransport(socket, { ...options, halfClose, remoteAddress });
      // Deno does not report a client that leaves before the response, so count on open.
      socket.addEventListener("open", () => {
        open.add(socket);
        socket.addEventListener("close", () => (open.delete(socket), shutDownIfDone()));
        accepted.push(duplex);
      });
      return response;
    });
  } catch (error) {
    throw toTransportError(`Cannot listen on ${hostname}:${port}`, error);
  }
  // deno-lint-ignore require-await
  const close = async () => {
    if (closed) return;
    closed = true;
    accepted.close();
    shutDownIfDone();
  };
  return {
    address: tcp(server.addr),
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}

function tcp({ hostname, port }: DenoAddr): Listener["address"] {
  return { transport: "tcp", hostname, port };
}
