// The conformance suite, in a page: over ports and channels, and over WebSockets by way of the
// relay at ?relay=URL, which joins two connections each.
import { portDuplex } from "../../src/adapters/message_port.ts";
import { connect, connectStream } from "../../src/adapters/websocket.ts";
import { abortCases } from "../conformance/abort.ts";
import type { Adapter } from "../conformance/adapter.ts";
import { backpressureCases } from "../conformance/backpressure.ts";
import { bytesCases } from "../conformance/bytes.ts";
import { faceCases } from "../conformance/face.ts";
import { halfCloseCases } from "../conformance/half_close.ts";
import { answerIn } from "../support/case_registry.ts";

const relay = new URLSearchParams(location.search).get("relay")!;

function overRelay(name: string, dial: typeof connect, gaps: Adapter["gaps"]): Adapter {
  return {
    name: `browser, ${name}`,
    gaps,
    // Two connections one behind the other, each with all that a kernel may hold.
    holds: 96 * 1024 * 1024,
    async open() {
      const [client, server] = [await dial(relay), await dial(relay)];
      return { client, server, close: () => Promise.resolve() };
    },
  };
}

const webSocket = overRelay("WebSocket", connect, {
  inbound: "a WebSocket of a page has no way to make the other end wait",
});
const stream = overRelay("WebSocketStream", connectStream, {
  breaking: "Chromium ends the page if such a connection breaks while a write waits",
});

const port: Adapter = {
  name: "browser, message port",
  gaps: {},
  open() {
    const { port1, port2 } = new MessageChannel();
    const [client, server] = [portDuplex(port1), portDuplex(port2)];
    return Promise.resolve({ client, server, close: () => Promise.resolve() });
  },
};

let channels = 0;

const broadcast: Adapter = {
  name: "browser, broadcast channel",
  gaps: {},
  open() {
    const name = `protosocket-${channels++}`;
    const [one, other] = [new BroadcastChannel(name), new BroadcastChannel(name)];
    const [client, server] = [portDuplex(one), portDuplex(other)];
    return Promise.resolve({
      client,
      server,
      close() {
        one.close();
        other.close();
        return Promise.resolve();
      },
    });
  },
};

for (const adapter of [webSocket, stream, port, broadcast]) {
  bytesCases(adapter);
  halfCloseCases(adapter);
  backpressureCases(adapter);
  abortCases(adapter);
  faceCases(adapter);
}

answerIn(globalThis);
