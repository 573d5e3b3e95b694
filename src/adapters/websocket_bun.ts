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
import type { SocketAddress } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { toTransportError } from "./base/_errors.ts";
import { BunTransport, type BunWebSocket } from "./websocket/_bun.ts";
import {
  checkWebSocketListenOptions,
  offersHalfClose,
  refusalOf,
  type WebSocketListenOptions,
} from "./websocket/_listen.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf } from "./websocket/_settings.ts";
import type { WebSocketUse } from "./websocket/_transport.ts";

export type { WebSocketListenOptions } from "./websocket/_listen.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** The parts of Bun that are used, declared here so that every type checker knows them. */
interface BunApi {
  serve(options: object): BunServer;
}

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  upgrade(request: Request, options: object): boolean;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** What Bun keeps for each WebSocket. */
interface SocketState {
  readonly use: WebSocketUse;
  transport?: BunTransport;
}

type Socket = BunWebSocket & { readonly data: SocketState };

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
// deno-lint-ignore require-await
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  const { Bun } = globalThis as unknown as { Bun?: BunApi };
  if (!Bun) throw new TransportError("unsupported", "This adapter needs Bun");
  checkWebSocketListenOptions(options);
  const { hostname = "127.0.0.1", port } = options;
  const accepted = new AcceptQueue();
  let server: BunServer;
  try {
    server = Bun.serve({
      hostname,
      port,
      fetch: (request: Request, server: BunServer) => upgrade(request, server, options),
      websocket: {
        maxPayloadLength: limitsOf(options).maxFrameBytes,
        perMessageDeflate: false,
        open(socket: Socket) {
          const transport = socket.data.transport = new BunTransport(socket, socket.data.use);
          accepted.push(transport.duplex);
        },
        message: ({ data }: Socket, message: unknown) => data.transport?.received(message),
        drain: ({ data }: Socket) => data.transport?.onDrain(),
        close: ({ data }: Socket, code: number, why: string) => data.transport?.closed(code, why),
      },
    });
  } catch (error) {
    throw toTransportError(`Cannot listen on ${hostname}:${port}`, error);
  }
  // deno-lint-ignore require-await
  const close = async () => {
    // Not awaited: it would wait for the WebSockets, which stay open.
    server.stop()?.catch(() => {});
    accepted.close();
  };
  return {
    address: { transport: "tcp", hostname, port: server.port },
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}

function upgrade(
  request: Request,
  server: BunServer,
  options: WebSocketListenOptions,
): Response | undefined {
  const asked = { url: request.url, header: (name: string) => request.headers.get(name) };
  const refusal = refusalOf(asked, options);
  if (refusal) return new Response(refusal.text, refusal);
  const halfClose = offersHalfClose(asked);
  const remoteAddress = addressOf(server.requestIP(request));
  const upgraded = server.upgrade(request, {
    data: { use: { ...options, halfClose, remoteAddress } },
    headers: halfClose ? { "sec-websocket-protocol": HALF_CLOSE_PROTOCOL } : {},
  });
  return upgraded ? undefined : new Response("This is for WebSockets\n", { status: 400 });
}

function addressOf(address: ReturnType<BunServer["requestIP"]>): SocketAddress | undefined {
  return address ? { transport: "tcp", hostname: address.address, port: address.port } : undefined;
}
