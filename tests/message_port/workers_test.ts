// Rpcs to real workers.
import { portDuplex } from "@protosocket/protosocket/message-port";
import { RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import type { Worker as Thread } from "node:worker_threads";
import { startWorker } from "../../examples/support/workers.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../support/rpc.ts";
import { runtime } from "../support/runtime.ts";
import { outcome, soon } from "../support/within.ts";

type Client = RpcClient<Message, Message>;

function clientOn(port: Parameters<typeof portDuplex>[0]): Client {
  return new RpcClient(portDuplex(port), { codec: jsonCodec(), messages });
}

async function ask(client: Pick<Client, "unary">, what: unknown): Promise<unknown> {
  return (await soon(client.unary(body(what)), `an answer to ${what}`)).body;
}

function startThread(): Thread {
  return startWorker(new URL("./thread_worker.ts", import.meta.url));
}

test("workers: a thread answers, and ends once its connection has", async () => {
  const worker = startThread();
  const ended = new Promise((resolve) => worker.on("exit", resolve));
  await using client = clientOn(worker);
  const long = "0123456789".repeat(200_000);
  assert(await ask(client, long) === long, "two megabytes came back changed");
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => ask(client, i)));
  assertEquals(answers, Array.from({ length: 500 }, (_, i) => i));
  assertEquals(await client.close(), { kind: "local" });
  await soon(ended, "the end of the worker");
});

test("workers: a worker that dies fails its calls, with the reason", async () => {
  const worker = startThread();
  const client = clientOn(worker);
  assertMatch(String(await ask(client, "who")), /^[\da-f-]{36}$/);
  const never = outcome(client.unary(body("never")));
  const dying = outcome(client.unary(body("die")));
  await rpcError(never, "connection-closed");
  await rpcError(dying, "connection-closed");
  const reason = await client.closed;
  assert(reason.kind === "error");
  assertEquals(reason.error.code, "reset");
  assertMatch(reason.error.message, /dies as it should/);
});

test("workers: a worker that is terminated breaks its connection", async () => {
  const worker = startThread();
  const client = clientOn(worker);
  await ask(client, "who");
  const never = outcome(client.unary(body("never")));
  await worker.terminate();
  await rpcError(never, "connection-closed");
});

test("workers: a pool distributes the work, and replaces a worker that died", async () => {
  const threads: Thread[] = [];
  await using pool = new RpcPool<Message, Message, number>({
    endpoints: [1, 2],
    slots: 2,
    connect: () => {
      const worker = startThread();
      threads.push(worker);
      const client = clientOn(worker);
      client.closed.then(() => worker.terminate());
      return Promise.resolve(client);
    },
  });
  const who = async (key: number) => {
    const call = pool.unary(body("who"), { key, idempotent: true });
    return (await soon(call, "an answer")).body;
  };
  const [first, second] = [await who(0), await who(1)];
  assert(first !== second);
  await rpcError(outcome(pool.unary(body("die"), { key: 0 })), "connection-closed");
  const third = await who(0);
  assert(third !== first);
  assertEquals(await who(1), second);
  assertEquals(threads.length, 3);
});

const noWebWorkers = runtime === "node" ? { skip: "Node has no web workers" } : {};

function startWeb(file: string): Worker {
  return new Worker(new URL(file, import.meta.url), { type: "module" });
}

test("web workers: a worker's scope is a port", noWebWorkers, async () => {
  const worker = startWeb("./web_worker.ts");
  await using client = clientOn(worker);
  assertEquals(await ask(client, "hello"), "hello");
  await client.close();
  worker.terminate();
});

test("web workers: several connections to one are as many channels", noWebWorkers, async () => {
  const worker = startWeb("./channels_worker.ts");
  const clients = Array.from({ length: 3 }, () => {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2]);
    return clientOn(port1);
  });
  assertEquals(await Promise.all(clients.map((client, i) => ask(client, i))), [0, 1, 2]);
  await Promise.all(clients.map((client) => client.close()));
  worker.terminate();
});

test(
  "web workers: a worker that dies, or cannot be loaded, breaks its connection",
  noWebWorkers,
  async () => {
    for (const file of ["./web_worker.ts", "./no_such_file.js"]) {
      const worker = startWeb(file);
      const client = clientOn(worker);
      await rpcError(outcome(client.unary(body("die"))), "connection-closed");
      const reason = await client.closed;
      assertEquals(reason.kind === "error" && reason.error.code, "reset");
      worker.terminate();
    }
  },
);
