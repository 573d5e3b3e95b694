// @ts-types="@types/ws"
import { WebSocket as WsWebSocket } from "ws";
import { connect, type ConnectOptions, connectStream } from "../../src/adapters/websocket.ts";
import { runtime } from "../support/runtime.ts";
import { listenWebSocket } from "../websocket/support.ts";
import type { Adapter } from "./adapter.ts";
import { accept } from "./sockets.ts";
import { conformance, NO_WEBSOCKET_WAIT, WEBSOCKET_UNNOTICED } from "./suite.ts";

function adapter(
  name: string,
  dial: (url: string) => ReturnType<typeof connect>,
  inbound?: string,
): Adapter {
  return {
    name: `websocket, ${name}`,
    gaps: { inbound, unnoticed: WEBSOCKET_UNNOTICED },
    async open() {
      const listener = await listenWebSocket({ port: 0 });
      const { port } = listener.address as { port: number };
      const [client, server] = await Promise.all([
        dial(`ws://127.0.0.1:${port}`),
        accept(listener),
      ]);
      return { client, server, close: () => listener.close() };
    },
  };
}

const { WebSocket, WebSocketStream } = globalThis as {
  WebSocket?: ConnectOptions["webSocket"];
  WebSocketStream?: unknown;
};
if (WebSocket) {
  conformance(
    adapter("global", (url) => connect(url, { webSocket: WebSocket }), NO_WEBSOCKET_WAIT),
  );
}
if (WebSocketStream) {
  conformance(adapter("stream", (url) => connectStream(url), NO_WEBSOCKET_WAIT));
}
if (runtime === "node") {
  conformance(adapter("ws", (url) => connect(url, { webSocket: WsWebSocket })));
}
