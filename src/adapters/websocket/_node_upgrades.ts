import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex as NodeStream } from "node:stream";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import type { ProxyInfo, SocketAddress } from "../../duplex/duplex.ts";
import { AcceptQueue } from "../base/_accept_queue.ts";
import {
  offersHalfClose,
  refusalOf,
  takes,
  type UpgradeListenerOptions,
  type UpgradeRequest,
} from "./_listen.ts";
import { NodeTransport } from "./_node.ts";
import { described, rawHeaders, Upgrade } from "./_request.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf } from "./_settings.ts";

/** What is known of a connection otherwise than by its socket. */
export interface Origin {
  readonly remoteAddress: SocketAddress | undefined;
  readonly proxy: ProxyInfo;
}

/** Turns requests of `node:http` into WebSockets, and queues these. */
export class NodeUpgrades {
  readonly accepted: AcceptQueue = new AcceptQueue();
  readonly #options: UpgradeListenerOptions;
  readonly #sockets: WebSocketServer;
  #closed = false;

  constructor(options: UpgradeListenerOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limitsOf(options).maxFrameBytes,
      handleProtocols: (names) => names.has(HALF_CLOSE_PROTOCOL) ? HALF_CLOSE_PROTOCOL : false,
    });
  }

  takes(request: IncomingMessage): boolean {
    return takes(asked(request), this.#options);
  }

  /** `onOpen` is called if it has become a WebSocket. */
  upgrade(
    request: IncomingMessage,
    socket: NodeStream,
    head: Uint8Array,
    origin?: Origin,
    onOpen: () => void = () => {},
  ): void {
    const refusal = this.#closed ? { status: 503 } : refusalOf(asked(request), this.#options);
    if (refusal) return refuse(socket, refusal.status);
    this.#sockets.handleUpgrade(
      request,
      socket,
      head as Parameters<WebSocketServer["handleUpgrade"]>[2],
      (webSocket) => {
        onOpen();
        this.#open(webSocket, request, origin);
      },
    );
  }

  #open(webSocket: WebSocket, request: IncomingMessage, origin: Origin | undefined): void {
    const remoteAddress = origin ? origin.remoteAddress : addressOf(request.socket);
    const use = { ...this.#options, halfClose: offersHalfClose(asked(request)), remoteAddress };
    const { duplex } = new NodeTransport(webSocket, use);
    const { url = "/", rawHeaders: raw } = request;
    this.accepted.push(described(duplex, new Upgrade(url, () => rawHeaders(raw)), origin?.proxy));
  }

  close(): void {
    this.#closed = true;
    this.accepted.close();
  }
}

/** A request as the checks want it. */
export function asked({ url = "/", headers }: IncomingMessage): UpgradeRequest {
  return { url, header: (name: string) => headers[name]?.toString() };
}

function addressOf({ remoteAddress, remotePort }: Socket): SocketAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

function refuse(socket: NodeStream, status: number): void {
  socket.on("error", () => {});
  // The client may never end, and nobody would wait for it.
  socket.once("finish", () => socket.destroy());
  socket.resume();
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
