// A server in a process of its own, so that its memory and its sockets are its own.
// Arguments: what it serves ("echo" over TCP, "tls", "websocket", or "rpc"), and the options of
// the server as JSON, with the name of the echo's codec, and whether it never
// comes back from a message that is empty.
// For each line that it reads it prints, as JSON, how it is.
import process from "node:process";
import { createInterface } from "node:readline";
import {
  type CloseReason,
  type Codec,
  type ConnectionObserver,
  type Listener,
  serve,
} from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { map, messagePack, string } from "@protosocket/protosocket/messagepack";
import { serveRpc } from "@protosocket/protosocket/rpc";
import { sockets } from "../../examples/support/sockets.ts";
import { webSockets } from "../../examples/support/web_sockets.ts";
import { certified } from "../support/certificates.ts";
import { collector } from "../support/collector.ts";
import { openSockets } from "../support/open_handles.ts";
import { body, jsonCodec, messages } from "../support/rpc.ts";
import type { Health } from "./attacker.ts";

const [kind, given = "{}"] = process.argv.slice(2);
const { heartbeat, handshakeTimeout, codec = "length-delimited", stuck, ...options } = JSON.parse(
  given,
);
const Strings = map(string, string);
const CODECS: Record<string, () => Codec<unknown>> = {
  "length-delimited": () => lengthDelimited() as Codec<unknown>,
  json: () => json(),
  messagepack: () => messagePack(Strings, Strings) as Codec<unknown>,
};
const ended: Record<string, number> = {};
let handled = 0;
let received = 0;
const neverCalled: unknown[] = [];
const observer: ConnectionObserver = { onBytesReceived: (count) => void (received += count) };

function count(reason: CloseReason | unknown): void {
  const { kind, error } = reason as { kind?: string; error?: { code: string } };
  const name = error?.code ?? kind ?? (reason as { code?: string }).code ?? String(reason);
  ended[name] = (ended[name] ?? 0) + 1;
}

async function listening(): Promise<Listener> {
  const { listen } = await sockets();
  if (kind === "websocket") return await (await webSockets()).listen({ port: 0 });
  if (kind !== "tls") return await listen({ port: 0 });
  const { cert, key } = await certified("itself", ["127.0.0.1"]);
  return await listen({ port: 0, tls: { cert, key, handshakeTimeout, onHandshakeError: count } });
}

const listener = await listening();
const server = kind !== "rpc"
  ? serve(listener, () => ({
    ...options,
    observer,
    codec: CODECS[codec]!(),
    reactor: (sender) => ({
      onInboundMessage(message: unknown) {
        if (!stuck || (message as Uint8Array).length > 0) return sender.send(message);
        // A promise that nothing can resolve would be collected, with everything that awaits it.
        return new Promise((resolve) => neverCalled.push(resolve));
      },
      onClose: count,
    }),
  }), { ...options, onConnectError: count })
  : serveRpc(listener, {
    ...options,
    codec: jsonCodec,
    messages,
    heartbeat: heartbeat && { interval: heartbeat, message: () => messages.response.ended(0) },
    observer: { ...observer, onClose: count },
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

const collect = collector();

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
    received,
    ended,
    polluted: "polluted" in {} || "polluted" in Object,
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
