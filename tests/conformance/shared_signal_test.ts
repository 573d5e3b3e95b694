// Many connects that share one signal: Node warns of a leak from the eleventh listener on.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Listener, SocketDuplex } from "../../mod.ts";
import { connect as connectWebSocket } from "../../src/adapters/websocket.ts";
import { countedSignal } from "../support/counted_signal.ts";
import { connect, listen, ours, trusting } from "../support/tls.ts";
import { soon } from "../support/within.ts";
import { listenWebSocket, webSocket } from "../websocket/support.ts";

const COUNT = 12;

interface Kind {
  listen(): Promise<Listener>;
  connect(port: number, signal: AbortSignal): Promise<SocketDuplex>;
}

const KINDS: Record<string, Kind> = {
  TCP: {
    listen: () => listen({ port: 0 }),
    connect: (port, signal) => connect({ port, signal }),
  },
  TLS: {
    listen: () => listen({ port: 0, tls: ours }),
    connect: (port, signal) => connect({ port, signal, tls: trusting }),
  },
  WebSocket: {
    listen: () => listenWebSocket({ port: 0 }),
    connect: (port, signal) => connectWebSocket(`ws://127.0.0.1:${port}`, { webSocket, signal }),
  },
};

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: connects that share a signal share a listener, and leave none`, async () => {
    await using listener = await kind.listen();
    const { port } = listener.address as { port: number };
    const { signal, listeners } = countedSignal();
    const add = signal.addEventListener;
    let most = 0;
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      add.apply(signal, args);
      most = Math.max(most, listeners.size);
    };
    const connecting = Array.from({ length: COUNT }, () => kind.connect(port, signal));
    const duplexes = await soon(Promise.all(connecting), `${COUNT} connects`);
    assertEquals([most <= 1, listeners.size], [true, 0], `${most} listeners at once`);
    for (const { writable } of duplexes) await writable.abort();
  });
}
