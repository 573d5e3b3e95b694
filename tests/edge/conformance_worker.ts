// The conformance suite, in a worker: over WebSocketPair, and over TCP by way of a relay at
// RELAY_PORT, which joins two connections each.
import { acceptWebSocket, type WebSocketLike } from "../../src/adapters/websocket.ts";
import { connect } from "../../src/adapters/cloudflare.ts";
import { abortCases } from "../conformance/abort.ts";
import type { Adapter } from "../conformance/adapter.ts";
import { backpressureCases } from "../conformance/backpressure.ts";
import { bytesCases } from "../conformance/bytes.ts";
import { faceCases } from "../conformance/face.ts";
import { halfCloseCases } from "../conformance/half_close.ts";
import { answer } from "../support/case_registry.ts";

let relayPort = 0;

const tcp: Adapter = {
  name: "cloudflare, TCP",
  gaps: {
    reset: "workerd tells of an abort by an end, unless bytes were unread",
    unnoticed: "workerd tells of a reset to who reads or writes only",
  },
  // Two connections one behind the other, each with all that a kernel may hold.
  holds: 96 * 1024 * 1024,
  async open() {
    const target = { hostname: "127.0.0.1", port: relayPort };
    const [client, server] = [await connect(target), await connect(target)];
    return { client, server, close: () => Promise.resolve() };
  },
};

const pair: Adapter = {
  name: "cloudflare, WebSocketPair",
  gaps: { inbound: "a WebSocket of workerd has no way to make the other end wait" },
  open() {
    const { WebSocketPair } = globalThis as unknown as {
      WebSocketPair: new () => Record<0 | 1, WebSocketLike>;
    };
    const sockets = new WebSocketPair();
    const [client, server] = ([0, 1] as const).map((end) =>
      acceptWebSocket(sockets[end], { halfClose: true })
    );
    return Promise.resolve({
      client: client!,
      server: server!,
      close: () => Promise.resolve(),
    });
  },
};

for (const adapter of [tcp, pair]) {
  bytesCases(adapter);
  halfCloseCases(adapter);
  backpressureCases(adapter);
  abortCases(adapter);
  faceCases(adapter);
}

export default {
  fetch(request: Request, env: { readonly RELAY_PORT: string }): Promise<Response> {
    relayPort = Number(env.RELAY_PORT);
    return answer(request);
  },
};
