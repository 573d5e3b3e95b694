// Web workers of a page, reached by the same client and the same pool as any server.
import { portDuplex } from "@protosocket/protosocket/message-port";
import { RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { answerIn } from "../support/case_registry.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../support/rpc.ts";
import { outcome, soon } from "../support/within.ts";

function start(file: string): Worker {
  return new Worker(file, { type: "module" });
}

function clientOn(worker: Worker): RpcClient<Message, Message> {
  return new RpcClient(portDuplex(worker), { codec: jsonCodec(), messages });
}

test("browser, workers: a worker responds, also with two megabytes", {}, async () => {
  const worker = start("worker.js");
  const client = clientOn(worker);
  const long = "0123456789".repeat(200_000);
  const answer = await soon(client.unary(body(long)), "an answer");
  assert(answer.body === long, "two megabytes came back changed");
  assertEquals(await soon(client.close(), "the end"), { kind: "local" });
  worker.terminate();
});

test(
  "browser, workers: a pool distributes the work, and replaces a worker that died",
  {},
  async () => {
    const workers: Worker[] = [];
    const pool = new RpcPool<Message, Message, number>({
      endpoints: [1, 2],
      slots: 2,
      connect() {
        const worker = start("worker.js");
        workers.push(worker);
        return Promise.resolve(clientOn(worker));
      },
    });
    const who = async (key: number) => {
      const call = pool.unary(body("who"), { key, idempotent: true });
      return (await soon(call, "an answer")).body;
    };
    const [first, second] = [await who(0), await who(1)];
    assertNotEquals(first, second);
    const error = await rpcError(outcome(pool.unary(body("die"), { key: 0 })), "connection-closed");
    assertMatch(String((error.cause as Error).message), /dies as it should/);
    assertNotEquals(await who(0), first);
    assertEquals(await who(1), second);
    assertEquals(workers.length, 3);
    await pool.close();
    for (const worker of workers) worker.terminate();
  },
);

test("browser, workers: a worker that cannot be loaded fails its connection", {}, async () => {
  const client = clientOn(start("no_such_file.js"));
  await rpcError(outcome(client.unary(body("hello"))), "connection-closed");
  const reason = await soon(client.closed, "the end");
  assertEquals(reason.kind === "error" && reason.error.code, "reset");
});

answerIn(globalThis);
