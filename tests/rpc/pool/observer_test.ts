// What a pool tells those who observe it, and that they cannot harm it.
import { assertEquals, assertInstanceOf } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import {
  type ObservedRpc,
  RpcError,
  type RpcObserver,
  RpcPool,
  type RpcPoolConfig,
} from "@protosocket/protosocket/rpc";
import { bodyOf, Host, pass, poolAndHosts, unavailable } from "../../support/pool.ts";
import { body, type Message } from "../../support/rpc.ts";
import { outcome, soon, turn } from "../../support/within.ts";

/** An observer of calls, and what it has seen: each request's body, and how it ended. */
function witness(): { rpcObserver: RpcObserver<Message>; seen: [unknown, unknown][] } {
  const seen: [unknown, unknown][] = [];
  const onRpc = ({ request, id }: ObservedRpc<Message>) => {
    assertEquals(id, 0);
    const { body } = request;
    return (error: unknown) => {
      seen.push([body, error instanceof RpcError ? error.code : error]);
    };
  };
  return { rpcObserver: { onRpc }, seen };
}

test("rpcObserver: a call is seen once, with all its attempts", async () => {
  const { rpcObserver, seen } = witness();
  const { pool, hosts } = poolAndHosts(2, { slots: 2, rpcObserver });
  let asked = 0;
  for (const host of hosts) {
    host.handler = ({ body: what }) => {
      // Every other request ends its connection.
      if (asked++ % 2 === 0) host.breakAll();
      return what === "stream" ? items() : body("unary");
    };
  }
  assertEquals(await bodyOf(pool.unary(body("unary"), { idempotent: true })), "unary");
  pass(20_000);
  const read: unknown[] = [];
  for await (const item of pool.streaming(body("stream"), { idempotent: true })) {
    read.push(item.body);
  }
  assertEquals([asked, read], [4, [1, 2]]);
  assertEquals(seen, [["unary", undefined], ["stream", undefined]]);
  await soon(pool.close(), "the end");
});

async function* items(): AsyncGenerator<Message> {
  yield body(1);
  yield body(2);
}

test("rpcObserver: calls that find no connection are seen, with their error", async () => {
  const { rpcObserver, seen } = witness();
  const { pool, hosts: [host] } = poolAndHosts(1, { rpcObserver });
  host!.down();
  await unavailable(pool.unary(body("unary")));
  await unavailable(pool.streaming(body("stream")).next());
  await pool.close();
  await outcome(pool.unary(body("late")));
  assertEquals(seen, [
    ["unary", "unavailable"],
    ["stream", "unavailable"],
    ["late", "connection-closed"],
  ]);
});

test("rpcObserver: a stream that is left is cancelled, and one that nobody reads is not over", async () => {
  const { rpcObserver, seen } = witness();
  const { pool, hosts: [host] } = poolAndHosts(1, { rpcObserver });
  host!.handler = async function* () {
    for (let i = 0;; i++) yield body(i);
  };
  for await (const item of pool.streaming(body("left"))) if (item.body === 3) break;
  const unread = pool.streaming(body("unread"));
  assertEquals(seen, [["left", "cancelled"]]);
  await unread.return();
  await unread.return();
  assertEquals(seen, [["left", "cancelled"], ["unread", "cancelled"]]);
  await soon(pool.close(), "the end");
});

test("callbacks that throw, or reject, harm nobody", async () => {
  const rejections: unknown[] = [];
  const onRejection = (error: unknown) => void rejections.push(error);
  process.on("unhandledRejection", onRejection);
  const ways: (() => unknown)[] = [
    () => {
      throw new Error("the observer's own");
    },
    () => Promise.reject(new Error("the observer's own")),
  ];
  for (const way of ways) {
    const callback = way as () => void;
    const host = new Host("a");
    let found = true;
    const heard: string[] = [];
    const hear = (name: string) => () => (heard.push(name), callback());
    const config: RpcPoolConfig<Message, Message, string> = {
      endpoints: () => found ? Promise.resolve(["a"]) : Promise.reject(new Error("not found")),
      connect: (_, { signal }) => host.connect({}, 65536, signal),
      slots: 1,
      observer: {
        onConnected: hear("connected"),
        onConnectFailed: hear("failed"),
        onGoingAway: hear("going away"),
        onDisconnected: hear("disconnected"),
        onEndpointsFailed: hear("endpoints failed"),
      },
      rpcObserver: { onRpc: hear("rpc") },
    };
    const pool = new RpcPool<Message, Message, string>(config);
    host.down();
    assertInstanceOf((await unavailable(pool.unary(body("x")))).cause, Error);
    found = false;
    host.up();
    pass(60_000);
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
    await soon(pool.close(), "the end");
    for (const name of ["connected", "failed", "disconnected", "endpoints failed", "rpc"]) {
      assertEquals(heard.includes(name), true, name);
    }
  }
  for (let i = 0; i < 5; i++) await turn();
  process.removeListener("unhandledRejection", onRejection);
  assertEquals(rejections, []);
});
