// Endpoints that a function finds: when it is called, and what becomes of what it found.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { RpcPool } from "@protosocket/protosocket/rpc";
import { bodyOf, pass, poolAndHosts, unavailable } from "../../../support/pool.ts";
import { body, type Message } from "../../../support/rpc.ts";
import { deferred, soon, turn } from "../../../support/within.ts";

/** A pool whose endpoints a function finds. */
function foundPool(options: Parameters<typeof poolAndHosts>[1] = {}) {
  const found = { list: ["a"] as unknown, calls: 0, error: undefined as unknown };
  const made = poolAndHosts(3, {
    endpoints: () => {
      found.calls++;
      return found.error ? Promise.reject(found.error) : Promise.resolve(found.list as string[]);
    },
    slots: 1,
    ...options,
  });
  return { ...made, found };
}

test("a function finds the endpoints at the first call, and once they are stale", async () => {
  const { pool, hosts, found } = foundPool({ endpointsTtl: 5000 });
  assertEquals(found.calls, 0);
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  for (let i = 0; i < 10; i++) await pool.unary(body("x"));
  assertEquals(found.calls, 1);
  pass(5001);
  found.list = ["b", "b"];
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals(found.calls, 2);

  // What is found no more is left once another is connected to, and no call waits for that.
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  hosts[0]!.breakAll();
  await hosts[0]!.until(() => hosts[0]!.connections.size === 0, "the end of the connection");
  await turn();
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  assertEquals([found.calls, hosts[0]!.tries], [2, 1]);
  await soon(pool.close(), "the end");
});

test("after a failed connect they are found anew, for the same call", async () => {
  const { pool, hosts, found } = foundPool();
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  pass(1000);
  hosts[0]!.down();
  found.list = ["b"];
  await hosts[0]!.until(() => hosts[0]!.connections.size === 0, "the end of the connection");
  await turn();
  // Not a moment of unavailability: the name has moved, and the call moves with it.
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  assertEquals([hosts[0]!.tries, found.calls], [2, 2]);
  await soon(pool.close(), "the end");
});

test("if endpoints cannot be found again, the known ones are used", async () => {
  const { pool, hosts, found, events } = foundPool({ endpointsTtl: 5000 });
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  pass(5001);
  found.error = new Error("no name server");
  for (let i = 0; i < 5; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals([found.calls, events.at(-1)], [2, ["endpoints failed", found.error]]);
  hosts[0]!.breakAll();
  await hosts[0]!.until(() => hosts[0]!.connections.size === 0, "the end of the connection");
  await turn();
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  // The function is asked again, after a rest of its own.
  pass(10_001);
  found.error = undefined;
  found.list = ["b"];
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals(found.calls, 3);
  await soon(pool.close(), "the end");
});

test("if no endpoints can be found at first, calls fail at once, and they are looked up again after a rest", async () => {
  const { pool, found } = foundPool();
  const failures: [unknown, unknown, string][] = [
    [new Error("no name server"), undefined, "no name server"],
    [undefined, [], "endpoints returned none"],
  ];
  for (const [error, list, message] of failures) {
    Object.assign(found, { error, list });
    const before = found.calls;
    for (let i = 0; i < 3; i++) {
      const told = await unavailable(pool.unary(body("x")));
      assert(told.message.includes(message), told.message);
      assertInstanceOf(told.cause, Error);
    }
    assertEquals(found.calls, before + 1);
    pass(10_001);
  }
  Object.assign(found, { error: undefined, list: ["c"] });
  assertEquals(await bodyOf(pool.unary(body("x"))), "c");
  await soon(pool.close(), "the end");
});

test("a function that never answers is given up after connectTimeout, and late answers are dropped", async () => {
  const late = deferred<string[]>();
  const signals: AbortSignal[] = [];
  const { pool, events } = poolAndHosts(1, {
    connectTimeout: 20,
    // However slow this machine is, the second call comes before it is over.
    backoff: { initial: 100_000 },
    endpoints: ({ signal }) => {
      signals.push(signal);
      return late.promise;
    },
  });
  const { cause } = await unavailable(pool.unary(body("x")));
  assertInstanceOf(cause, TransportError);
  assertEquals(cause.code, "timed-out");
  assert(cause.message.includes("connectTimeout, 20 ms"), cause.message);
  assertEquals([signals.length, signals[0]!.aborted], [1, true]);
  late.resolve(["a"]);
  await turn();
  await unavailable(pool.unary(body("x")));
  assertEquals(events.map(([what]) => what), ["endpoints failed"]);
  await soon(pool.close(), "the end");
});

test("endpoints are the same by their JSON, or by endpointKey", async () => {
  const tried: unknown[] = [];
  const pool = (options: object) =>
    new RpcPool<Message, Message, { port: number; tag?: string }>({
      endpoints: [{ port: 1 }],
      slots: 1,
      ...options,
      connect: (endpoint) => {
        tried.push(endpoint);
        return Promise.reject(new Error("no"));
      },
    });
  let tag = 0;
  // Fresh objects at each call: by the JSON of what counts they are one that rests.
  const byKey = pool({
    endpoints: () => Promise.resolve([{ port: 1, tag: `${++tag}` }]),
    endpointKey: ({ port }: { port: number }) => String(port),
  });
  for (let i = 0; i < 3; i++) await unavailable(byKey.unary(body("x")));
  assertEquals(tried, [{ port: 1, tag: "1" }]);
  pass(10_001);
  await unavailable(byKey.unary(body("x")));
  // It is given as it was found last.
  assertEquals(tried[1], { port: 1, tag: String(tag - 1) });
  const byJson = pool({ endpoints: () => Promise.resolve([{ port: 1 }, { port: 1 }]) });
  await unavailable(byJson.unary(body("x")));
  assertEquals(tried.length, 3);
  await Promise.all([byKey.close(), byJson.close()]);
});
