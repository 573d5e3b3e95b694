// A server in a process of its own, so that its memory and its sockets are its own.
// Arguments: what it serves ("echo", "rpc", or "websocket", an echo over WebSockets), and the
// options of the server as JSON.
// For each line that it reads it prints, as JSON, how it is.
import process from "node:process";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type CloseReason, serve } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { serveRpc } from "@protosocket/protosocket/rpc";
import { sockets } from "../../examples/support/sockets.ts";
import { webSockets } from "../../examples/support/web_sockets.ts";
import { openSockets } from "../support/open_handles.ts";
import { body, jsonCodec, messages } from "../support/rpc.ts";
import type { Health } from "./support.ts";

const [kind, json = "{}"] = process.argv.slice(2);
const { heartbeat, ...options } = JSON.parse(json);
const ended: Record<string, number> = {};
let handled = 0;

function count(reason: CloseReason | unknown): void {
  const { kind, error } = reason as { kind?: string; error?: { code: string } };
  const name = error?.code ?? kind ?? (reason as { code?: string }).code ?? String(reason);
  ended[name] = (ended[name] ?? 0) + 1;
}

const listener = kind === "websocket"
  ? await (await webSockets()).listen({ port: 0 })
  : await (await sockets()).listen({ port: 0 });
const server = kind !== "rpc"
  ? serve(listener, () => ({
    ...options,
    codec: lengthDelimited(),
    reactor: (sender) => ({
      onInboundMessage: (message: Uint8Array) => sender.send(message),
      onClose: count,
    }),
  }), { ...options, onConnectError: count })
  : serveRpc(listener, {
    ...options,
    codec: jsonCodec,
    messages,
    heartbeat: heartbeat && { interval: heartbeat, message: () => messages.response.ended(0) },
    observer: { onClose: count },
    onConnectError: count,
    // "wait" is answered when it is cancelled, all else at once.
    service: () => ({ body: asked }, { signal }) => {
      handled++;
      if (asked !== "wait") return body(asked);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  });

function collect(): void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun) return Bun.gc(true);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

async function health(): Promise<Health> {
  // What has ended in this turn is let go of in the next.
  await new Promise((resolve) => setTimeout(resolve, 10));
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { connections, refused } = server;
  return {
    rss,
    heap: heapUsed + external,
    sockets: openSockets() ?? 0,
    connections: connections.size,
    refused,
    handled,
    ended,
  };
}

// Deno has a pair of sockets of its own to hear signals by. It would open them at some time in
// its first second; a listener makes it do so before the sockets are counted.
process.on("SIGINT", () => process.exit(130));

console.log(`listening ${listener.address.transport === "tcp" ? listener.address.port : ""}`);
let asked = 0;
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(`health ${++asked} ${JSON.stringify(await health())}`);
}
// Nobody asks any more.
process.exit(0);
