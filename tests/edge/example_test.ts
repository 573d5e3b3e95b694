// The worker of examples/cloudflare, in workerd.
import { connect as connectWebSocket } from "@protosocket/protosocket/websocket";
import { json } from "@protosocket/protosocket/json";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import {
  messages,
  type Request as Ask,
  type Response as Answer,
} from "../../examples/cloudflare/messages.ts";
import { serveEcho } from "../../examples/proto/service.ts";
import { plain } from "../../examples/support/plain_messages.ts";
import type { TransportError } from "../../mod.ts";
import { listen } from "../../src/adapters/node.ts";
import { noRust, rustServer } from "../interop/rust_peer.ts";
import { soon } from "../support/within.ts";
import { webSocket } from "../websocket/support.ts";
import { noWorkerd, RunningWorker } from "./workerd.ts";

/** Registers a case with a worker of its own. */
function onWorker(
  name: string,
  run: (worker: RunningWorker) => Promise<void>,
  rpcPort: () => Promise<Served> = () => Promise.resolve({ port: 1 }),
  skip: string | undefined = noWorkerd,
): void {
  test(`cloudflare example: ${name}`, skip ? { skip } : {}, async () => {
    const served = await rpcPort();
    try {
      await using worker = await RunningWorker.start("examples/cloudflare/worker.ts", {
        vars: { RPC_HOST: "127.0.0.1", RPC_PORT: String(served.port) },
        objects: { COUNTERS: "Counter" },
      });
      await run(worker);
    } finally {
      await served.close?.();
    }
  });
}

/** A server that the worker asks. */
interface Served {
  readonly port: number;
  close?(): Promise<unknown>;
}

async function echoServer(): Promise<Served> {
  const listener = await listen({ port: 0 });
  const server = serveEcho(listener);
  const { port } = listener.address as { port: number };
  return { port, close: () => server.close() };
}

async function rustEcho(): Promise<Served> {
  const server = await rustServer();
  return { port: server.port, close: async () => await server[Symbol.asyncDispose]() };
}

async function asks(worker: RunningWorker): Promise<void> {
  const texts = ["hello", "", "Grüße, 世界 🌍", ...Array.from({ length: 50 }, String)];
  const answers = await Promise.all(texts.map(async (text) => {
    const response = await worker.fetch(`/ask?text=${encodeURIComponent(text)}`);
    return await response.text();
  }));
  assertEquals(answers, texts);
}

onWorker("answers HTTP by rpcs over TCP to a Node server", asks, echoServer);
onWorker(
  "answers HTTP by rpcs over TCP to the Rust server",
  asks,
  rustEcho,
  noWorkerd ?? noRust,
);
onWorker("says so if the server is not there", async (worker) => {
  const response = await worker.fetch("/ask?text=hello");
  assertEquals(response.status, 502);
  assertMatch(await response.text(), /^Cannot connect to 127\.0\.0\.1:1/);
});

type Client = RpcClient<Ask, Answer>;

async function dial({ port }: RunningWorker, path: string): Promise<Client> {
  const duplex = await soon(
    connectWebSocket(`ws://127.0.0.1:${port}${path}`, { webSocket }),
    `a WebSocket to ${path}`,
  );
  return new RpcClient(duplex, { codec: json<Answer, Ask>(), messages });
}

async function add(client: Client, by: number): Promise<{ total: number; awake: number }> {
  return (await soon(client.unary(plain({ by })), "an answer")).body!;
}

onWorker("serves rpcs to a WebSocket client", async (worker) => {
  await using one = await dial(worker, "/count");
  await using other = await dial(worker, "/count");
  const answers = await Promise.all(Array.from({ length: 500 }, () => add(one, 2)));
  assertEquals(answers.at(-1), { total: 1000, awake: 500 });
  assertEquals(await add(other, 1), { total: 1, awake: 1 });
  assertEquals(await soon(one.close(), "the end"), { kind: "local" });
});

onWorker("a Durable Object serves rpcs to all its clients, streams too", async (worker) => {
  await using one = await dial(worker, "/counters/a");
  await using other = await dial(worker, "/counters/a");
  await using stranger = await dial(worker, "/counters/b");
  assertEquals((await add(one, 5)).total, 5);
  assertEquals((await add(other, 5)).total, 10);
  assertEquals((await add(stranger, 1)).total, 1);
  const totals: number[] = [];
  for await (const { body } of one.streaming(plain({ by: 300, stream: true }))) {
    totals.push(body!.total);
  }
  assertEquals(totals, Array.from({ length: 300 }, (_, i) => 11 + i));
  assertEquals(await soon(one.close(), "the end"), { kind: "local" });
  assertEquals((await add(other, 0)).total, 310);
});

/** workerd lets an object hibernate after 10 idle seconds. */
const SLEEP_MS = 11_000;

/** A client that breaks off in the middle of its second message. */
async function breakOff(url: string): Promise<void> {
  const socket = new WebSocket(url);
  const answered = new Promise<void>((resolve) => socket.on("message", () => resolve()));
  socket.on("open", () => {
    const request = JSON.stringify({ id: 1, code: 0, body: { by: 0 } });
    socket.send(new TextEncoder().encode(`${request}\n${request.slice(0, -1)}`));
  });
  await soon(answered, "an answer");
  socket.terminate();
}

onWorker("a Durable Object sleeps, and goes on with the same WebSocket", async (worker) => {
  await using client = await dial(worker, "/counters/a");
  assertEquals(await add(client, 5), { total: 5, awake: 1 });
  // Those do not keep it awake.
  const url = `ws://127.0.0.1:${worker.port}/counters/a`;
  for (let clients = 0; clients < 10; clients++) await breakOff(url);
  assertEquals(await add(client, 5), { total: 10, awake: 12 });
  // Hibernation cannot be observed, and asking wakes the object: wait longer each time.
  let [total, awake] = [10, 12];
  for (let ms = SLEEP_MS; awake > 1 && ms <= 8 * SLEEP_MS; ms *= 2) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    ({ total, awake } = await add(client, 0));
  }
  // The client did not notice; what was stored is there, what was in memory is not.
  assertEquals([total, awake], [10, 1]);
  assertEquals(await add(client, 5), { total: 15, awake: 2 });
  assertEquals(await soon(client.close(), "the end"), { kind: "local" });
});

onWorker("a Durable Object does not sleep in the middle of a message", async (worker) => {
  const url = `ws://127.0.0.1:${worker.port}/counters/a`;
  const { readable, writable } = await soon(connectWebSocket(url, { webSocket }), "a WebSocket");
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  const request = (id: number) => `${JSON.stringify({ id, code: 0, body: { by: 1 } })}\n`;
  const next = async () => new TextDecoder().decode((await soon(reader.read(), "it")).value);
  const bytes = new TextEncoder().encode(request(1) + request(2));
  await writer.write(bytes.subarray(0, bytes.length - 5));
  assertMatch(await next(), /"total":1,"awake":1/);
  await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
  await writer.write(bytes.subarray(bytes.length - 5));
  assertMatch(await next(), /"total":2,"awake":2/);
  await writer.close();
  assert((await soon(reader.read(), "the end")).done);
});

onWorker("a Durable Object ends a connection that breaks the protocol", async (worker) => {
  await using client = await dial(worker, "/counters/a");
  const url = `ws://127.0.0.1:${worker.port}/counters/a`;
  const { readable, writable } = await soon(connectWebSocket(url, { webSocket }), "a WebSocket");
  await writable.getWriter().write(new TextEncoder().encode("no json\n"));
  const error = await assertRejects(() => soon(readable.getReader().read(), "a loss"));
  assertEquals((error as TransportError).code, "reset");
  assertEquals((await add(client, 1)).total, 1);
});

/** Asks for a WebSocket from a page of `origin`; gives the status of a refusal. */
function refusal(url: string, origin: string): Promise<number | undefined> {
  const socket = new WebSocket(url, { origin });
  return soon(
    new Promise((resolve, reject) => {
      socket.on("unexpected-response", (_, { statusCode }) => resolve(statusCode));
      socket.on("open", () => (socket.terminate(), reject(new Error("It was taken"))));
      socket.on("error", () => {});
    }),
    "a refusal",
  );
}

onWorker("refuses pages of other origins, and what is no WebSocket", async (worker) => {
  for (const path of ["/count", "/counters/a"]) {
    assertEquals((await worker.fetch(path)).status, 426);
    const url = `ws://127.0.0.1:${worker.port}${path}`;
    assertEquals(await refusal(url, "https://example.com"), 403);
    const own = `http://127.0.0.1:${worker.port}`;
    await assertRejects(() => refusal(url, own), Error, "It was taken");
  }
});

onWorker("ends a connection whose message is too long, or text, and no other", async (worker) => {
  for (const path of ["/count", "/counters/a"]) {
    await using other = await dial(worker, path);
    const { total } = await add(other, 1);
    for (const [data, code] of [[new Uint8Array(1024 * 1024 + 1), 1009], ["text", 1003]] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${worker.port}${path}`);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("open", () => socket.send(data));
      assertEquals(await soon(closed, "the close"), code);
    }
    assertEquals((await add(other, 1)).total, total + 1);
  }
});
