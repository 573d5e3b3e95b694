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
import type { Duplex as NodeStream } from "node:stream";
import type { Listener } from "../duplex/listener.ts";
import { toTransportError } from "./base/_errors.ts";
import { listenerOf } from "./base/_listener.ts";
import { Handshakes } from "./base/_handshakes.ts";
import { type Proxied, proxiedServer } from "./sockets/_proxied.ts";
import {
  checkUpgradeOptions,
  checkWebSocketListenOptions,
  refusalOf,
  type UpgradeListenerOptions,
  type WebSocketListenOptions,
} from "./websocket/_listen.ts";
import { asked, NodeUpgrades } from "./websocket/_node_upgrades.ts";

export type { UpgradeListenerOptions, WebSocketListenOptions } from "./websocket/_listen.ts";
export type { ProxyProtocolOptions } from "./base/_options.ts";
export type { OriginOptions } from "./websocket/_origin.ts";
export type { WebSocketOptions } from "./websocket/_settings.ts";

/** Milliseconds that a connection may take to become a WebSocket. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Listens for WebSockets. Rejects with a {@linkcode TransportError}. */
export async function listen(options: WebSocketListenOptions): Promise<Listener> {
  checkWebSocketListenOptions(options);
  const { hostname = "127.0.0.1", port, proxyProtocol } = options;
  const upgrades = new NodeUpgrades(options);
  const server = createServer((request, response) => {
    const { status, text } = refusalOf(asked(request), options) ?? { status: 426, text: "" };
    response.writeHead(status).end(text);
  });
  const origins = new WeakMap<NodeStream, Proxied>();
  const front = proxyProtocol && proxiedServer({ proxyProtocol }, (socket, proxied) => {
    origins.set(socket, proxied);
    server.emit("connection", socket);
    socket.resume();
  });
  const handshakes = new Handshakes(HANDSHAKE_TIMEOUT, () => {});
  server.on("connection", (socket) => {
    handshakes.begin(socket, undefined);
    socket.once("close", () => handshakes.done(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    const done = () => void handshakes.done(socket);
    upgrades.upgrade(request, socket, head, origins.get(socket), done);
  });
  const listens = front?.server ?? server;
  await new Promise<void>((resolve, reject) => {
    listens.once("error", (error) => {
      reject(toTransportError(`Cannot listen on ${hostname}:${port}`, error));
    });
    listens.listen(port, hostname, resolve);
  });
  listens.on("error", (error) => upgrades.accepted.close(toTransportError("Cannot accept", error)));
  const address = listens.address() as AddressInfo;
  const close = () => {
    // Not awaited: its callback waits for every connection to end.
    listens.close();
    front?.close();
    handshakes.close();
    upgrades.close();
  };
  return listenerOf(
    { transport: "tcp", hostname: address.address, port: address.port },
    upgrades.accepted,
    close,
  );
}

/** A listener for the WebSockets of an HTTP server that you have already. */
export interface UpgradeListener extends Listener {
  /** Whether a request asks for a WebSocket, at the `pathname` of this listener. */
  takes(request: IncomingMessage): boolean;
  /** Accepts a WebSocket, or answers why not. To be called with what the event `upgrade` has. */
  upgrade(request: IncomingMessage, socket: NodeStream, head: Uint8Array): void;
}

/**
 * Makes a listener for the WebSockets of an HTTP server that you have already, of `node:http`,
 * `node:https` or a framework: one port for both. Closing the listener leaves that server alone.
 * Throws a `TypeError` or a `RangeError` for an option that is wrong.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { upgradeListener } from "@protosocket/protosocket/websocket-node";
 *
 * const sockets = upgradeListener({ pathname: "/rpc" });
 * const http = createServer((_request, response) => response.end("Hello\n"));
 * http.on("upgrade", (request, socket, head) => {
 *   if (sockets.takes(request)) sockets.upgrade(request, socket, head);
 *   else socket.destroy();
 * });
 * await using server = serve(sockets, ({ request }) => {
 *   console.log(request?.url.searchParams.get("name"), request?.cookies.get("session"));
 *   return {
 *     codec: lengthDelimited(),
 *     reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 *   };
 * });
 * await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
 * http.close();
 * ```
 */
export function upgradeListener(options: UpgradeListenerOptions = {}): UpgradeListener {
  checkUpgradeOptions(options);
  const upgrades = new NodeUpgrades(options);
  return {
    ...listenerOf(options.address, upgrades.accepted, () => upgrades.close()),
    takes: (request) => upgrades.takes(request),
    upgrade: (request, socket, head) => upgrades.upgrade(request, socket, head),
  };
}
