/**
 * A listener for WebSockets over the package `ws`, which has to be installed too, in
 * version 8.23 or later: earlier ones let hostile peers use memory without a limit. There
 * is backpressure in both directions.
 *
 * It speaks plain text. For TLS, put a proxy in front of it, or pass each WebSocket of a
 * `WebSocketServer` of your own to `acceptWebSocket` of `./websocket`.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect } from "@protosocket/protosocket/websocket";
 * import { listen } from "@protosocket/protosocket/websocket-node";
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
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import type { SocketAddress } from "../duplex/duplex.ts";
import type { Listener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { toTransportError } from "./base/_errors.ts";
import { Handshakes } from "./base/_handshakes.ts";
import {
  checkWebSocketListenOptions,
  offersHalfClose,
  refusalOf,
  type WebSocketListenOptions,
} from "./websocket/_listen.ts";
import { NodeTransport } from "./websocket/_node.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf } from "./websocket/_settings.ts";

export type { WebSocketListenOptions } from "./websocket/_listen.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** Milliseconds that a connection may take to become a WebSocket. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  checkWebSocketListenOptions(options);
  const { hostname = "127.0.0.1", port } = options;
  const accepted = new AcceptQueue();
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limitsOf(options).maxFrameBytes,
    handleProtocols: (names) => names.has(HALF_CLOSE_PROTOCOL) ? HALF_CLOSE_PROTOCOL : false,
  });
  const server = createServer((request, response) => {
    const { status, text } = refusalOf(asked(request), options) ?? { status: 426, text: "" };
    response.writeHead(status).end(text);
  });
  const handshakes = new Handshakes(HANDSHAKE_TIMEOUT, () => {});
  server.on("connection", (socket) => {
    handshakes.begin(socket, undefined);
    socket.once("close", () => handshakes.done(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    const refusal = refusalOf(asked(request), options);
    if (refusal) return refuse(socket, refusal.status);
    sockets.handleUpgrade(
      request,
      socket,
      head as Parameters<typeof sockets.handleUpgrade>[2],
      (webSocket) => {
        handshakes.done(socket);
        accepted.push(open(webSocket, request, options));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(toTransportError(`Cannot listen on ${hostname}:${port}`, error));
    });
    server.listen(port, hostname, resolve);
  });
  server.on("error", (error) => accepted.close(toTransportError("Cannot accept", error)));
  const address = server.address() as AddressInfo;
  // deno-lint-ignore require-await
  const close = async () => {
    // Not awaited: its callback waits for every connection to end.
    server.close();
    handshakes.close();
    accepted.close();
  };
  return {
    address: { transport: "tcp", hostname: address.address, port: address.port },
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}

function asked({ url = "/", headers }: IncomingMessage) {
  return { url, header: (name: string) => headers[name]?.toString() };
}

function open(webSocket: WebSocket, request: IncomingMessage, options: WebSocketListenOptions) {
  const halfClose = offersHalfClose(asked(request));
  const { remoteAddress, remotePort } = request.socket;
  const from: SocketAddress | undefined = remoteAddress === undefined || remotePort === undefined
    ? undefined
    : { transport: "tcp", hostname: remoteAddress, port: remotePort };
  const use = { ...options, halfClose, remoteAddress: from };
  return new NodeTransport(webSocket, use).duplex;
}

function refuse(socket: Socket, status: number): void {
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
