// WebSockets behind a proxy that says whom it speaks for: on each runtime, their listener is one of
// `ws`.
// @ts-types="@types/ws"
import { WebSocket as WsWebSocket } from "ws";
import { connect, type ConnectOptions } from "../../src/adapters/websocket.ts";
import { announcingProxy } from "../support/announcing_proxy.ts";
import { runtime } from "../support/runtime.ts";
import { listenWebSocket } from "../websocket/support.ts";
import type { Adapter } from "./adapter.ts";
import { accept } from "./sockets.ts";
import { conformance, NO_WEBSOCKET_WAIT, WEBSOCKET_UNNOTICED } from "./suite.ts";

function proxied(name: string, options: ConnectOptions, inbound?: string): Adapter {
  return {
    name: `websocket behind a proxy, ${name}`,
    gaps: { inbound, unnoticed: WEBSOCKET_UNNOTICED },
    async open() {
      const proxyProtocol = { trust: ["127.0.0.0/8"] };
      const listener = await listenWebSocket({ port: 0, proxyProtocol });
      const proxy = await announcingProxy((listener.address as { port: number }).port);
      const [client, server] = await Promise.all([
        connect(`ws://127.0.0.1:${proxy.port}`, options),
        accept(listener),
      ]);
      return {
        client,
        server,
        async close() {
          await listener.close();
          proxy.close();
        },
      };
    },
  };
}

const { WebSocket } = globalThis as { WebSocket?: ConnectOptions["webSocket"] };
if (WebSocket) conformance(proxied("global", { webSocket: WebSocket }, NO_WEBSOCKET_WAIT));
if (runtime === "node") conformance(proxied("ws", { webSocket: WsWebSocket }));
