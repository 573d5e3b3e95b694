// @ts-types="@types/ws"
import { WebSocket as WsWebSocket } from "ws";
import type { Listener, SocketDuplex } from "../../mod.ts";
import type { WebSocketListenOptions } from "../../src/adapters/websocket/_listen.ts";
import { connect, type ConnectOptions } from "../../src/adapters/websocket.ts";
import { runtime } from "../support/runtime.ts";
import { soon } from "../support/within.ts";

/** Listens for WebSockets with the adapter of the runtime. */
export async function listenWebSocket(options: WebSocketListenOptions): Promise<Listener> {
  const { listen } = await {
    deno: () => import("../../src/adapters/websocket_deno.ts"),
    bun: () => import("../../src/adapters/websocket_bun.ts"),
    node: () => import("../../src/adapters/websocket_node.ts"),
  }[runtime]();
  return await listen(options);
}

/** The runtime's own, or that of `ws`. */
export const webSocket: NonNullable<ConnectOptions["webSocket"]> =
  (globalThis as { WebSocket?: ConnectOptions["webSocket"] }).WebSocket ?? WsWebSocket;

/** Connects to a port of this machine. */
export function dialWebSocket(port: number): Promise<SocketDuplex> {
  return soon(connect(`ws://127.0.0.1:${port}`, { webSocket }), "a WebSocket");
}
