// Calls that are given up while they wait for a connection, and clients of another kind.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { bodyOf, poolAndHosts } from "../../support/pool.ts";
import { body, type Message, rpcError } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

test("a call that waits for a connect can be aborted without affecting others", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  host!.hold();
  const reason = new Error("enough");
  const controller = new AbortController();
  const stays = pool.unary(body("x"));
  const leaves = [
    outcome(pool.unary(body("x"), controller)),
    outcome(pool.streaming(body("x"), controller).next()),
    outcome(pool.client(controller)),
  ];
  const timesOut = [
    outcome(pool.unary(body("x"), { timeout: 10 })),
    outcome(pool.streaming(body("x"), { timeout: 10 }).next()),
    outcome(pool.client({ timeout: 10 })),
  ];
  assertEquals(pool.waiting, 7);
  controller.abort(reason);
  for (const left of leaves) {
    assertEquals(await soon<unknown>(left, "who left"), { kind: "error", error: reason });
  }
  for (const late of timesOut) {
    const { message } = await rpcError(late, "deadline-exceeded");
    assertEquals(message, "No answer within 10 ms");
  }
  assertEquals([pool.waiting, host!.signals[0]!.aborted], [1, false]);
  host!.release();
  assertEquals(await bodyOf(stays), "a");
  assertEquals(host!.tries, 1);

  await soon(pool.close(), "the end");
});

test("with a signal that has fired already nothing is connected, and nothing sent", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  const signal = AbortSignal.abort("too late");
  let calls = 0;
  host!.handler = () => (calls++, body("x"));
  for (const tries of [0, 1]) {
    for (
      const call of [
        pool.unary(body("x"), { signal }),
        pool.streaming(body("x"), { signal }).next(),
        pool.client({ signal }),
      ]
    ) {
      assertEquals(await outcome<unknown>(call), { kind: "error", error: "too late" });
    }
    assertEquals([host!.tries, calls, pool.waiting], [tries, 0, 0]);
    // Once more, with a connection.
    await pool.client();
  }
  await soon(pool.close(), "the end");
});

test("a client of another kind will do, if it is alive", async () => {
  // What a program wraps around its clients is its own matter.
  class Named extends RpcClient<Message, Message> {}
  const { hosts: [host] } = poolAndHosts(1);
  const pool = new RpcPool<Message, Message, string>({
    endpoints: ["a"],
    connect: async (_, { signal }) =>
      Object.setPrototypeOf(await host!.connect({}, 65536, signal), Named.prototype),
  });
  assertInstanceOf(await pool.client(), Named);
  await soon(pool.close(), "the end");
});
