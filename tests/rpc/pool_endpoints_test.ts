// Several endpoints: how slots are spread over them, and what becomes of those that fail.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { RpcClient, RpcPool, type RpcPoolConfig } from "@protosocket/protosocket/rpc";
import {
  asked,
  bodyOf,
  type Host,
  pass,
  poolAndHosts,
  type PoolEvent,
  unavailable,
} from "../support/pool.ts";
import { quiet } from "../support/quiet.ts";
import { withSeeds } from "../support/random.ts";
import { body, clientAndPeer, type Message, rpcError } from "../support/rpc.ts";
import { deferred, outcome, soon, turn } from "../support/within.ts";

type Pool = ReturnType<typeof poolAndHosts>["pool"];

/** Connects all slots. */
async function fill(pool: Pool): Promise<void> {
  const keys = Array.from({ length: pool.size }, (_, key) => key);
  await soon(Promise.all(keys.map((key) => pool.client({ key }))), "all slots");
}

function loads(hosts: readonly Host[]): number[] {
  return hosts.map(({ connections }) => connections.size);
}

function names(events: readonly PoolEvent[]): string[] {
  return events.map(([what, endpoint]) => `${what} ${endpoint}`);
}

test("slots are spread over the endpoints, whatever is drawn", () =>
  withSeeds(10, async (random) => {
    const draw = () => random.below(2 ** 30) / 2 ** 30;
    const { pool, hosts } = poolAndHosts(3, { slots: 7, random: draw });
    await fill(pool);
    assertEquals(loads(hosts).sort(), [2, 2, 3]);
    await soon(pool.close(), "the end");
  }));

test("an endpoint that fails is rested, and the call goes to another", async () => {
  const backoff = { initial: 60_000, max: 60_000, jitter: 0 };
  const { pool, hosts, events } = poolAndHosts(2, { slots: 1, random: () => 0, backoff });
  const [a, b] = hosts as [Host, Host];
  a.down();
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  assertEquals(names(events), ["failed a", "connected b"]);
  const [failed] = events;
  assert(failed?.[0] === "failed" && failed[2] instanceof TransportError);
  assertEquals(Math.round(failed[3]), 60_000);

  // Its connection is closed by this end, so that b does not rest: a is up, and not tried.
  a.up();
  await (await pool.client()).close();
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  assertEquals([a.tries, b.tries], [1, 2]);
  pass(60_001);
  await (await pool.client()).close();
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(pool.close(), "the end");
});

test("while all endpoints rest, calls fail at once, and nothing is tried", async () => {
  const { pool, hosts } = poolAndHosts(3, { backoff: { initial: 60_000, max: 60_000, jitter: 0 } });
  for (const host of hosts) host.down();
  const first = await unavailable(pool.unary(body("x")));
  assertEquals(hosts.map(({ tries }) => tries), [1, 1, 1]);
  for (let i = 0; i < 5; i++) {
    const { cause, message } = await unavailable(pool.unary(body("x")));
    assertInstanceOf(cause, TransportError);
    assert(/no endpoint to try for (59\d\d\d|60000) ms/.test(message), message);
    assert(message.includes("is down"), message);
    await unavailable(pool.client({ key: i }));
    await unavailable(pool.streaming(body("x")).next());
  }
  assertStrictEquals((first.cause as TransportError).code, "refused");
  assertEquals(hosts.map(({ tries }) => tries), [1, 1, 1]);

  for (const host of hosts) host.up();
  pass(60_001);
  assert(["a", "b", "c"].includes(await bodyOf(pool.unary(body("x"))) as string));
  await soon(pool.close(), "the end");
});

test("rests grow, and slots that fail together are one failure", async () => {
  const backoff = { initial: 100, max: 1000, factor: 2, jitter: 0 };
  const { pool, hosts: [host], events } = poolAndHosts(1, { backoff, slots: 8 });
  host!.down();
  for (let round = 0; round < 6; round++) {
    const calls = Array.from({ length: 8 }, (_, key) => unavailable(pool.client({ key })));
    await Promise.all(calls);
    assertEquals(host!.tries, 8 * (round + 1));
    pass(1001);
  }
  const rests = events.map((event) => event[0] === "failed" ? Math.round(event[3] / 10) * 10 : 0);
  assertEquals(rests.filter((_, i) => i % 8 === 0), [100, 200, 400, 800, 1000, 1000]);
  await soon(pool.close(), "the end");
});

test("a connection that ends as soon as it is made counts as a failed connect", async () => {
  const backoff = { initial: 1000, jitter: 0 };
  const { pool, hosts: [host], events } = poolAndHosts(1, { slots: 1, backoff });
  for (const rest of [1000, 2000, 4000]) {
    const client = await pool.client();
    host!.breakAll();
    await soon(client.closed, "the end of the connection");
    await unavailable(pool.unary(body("x")));
    const last = events.at(-1)!;
    assert(last[0] === "failed" && Math.abs(last[3] - rest) < 900, String(last));
    pass(rest + 1);
  }
  assertEquals(host!.tries, 3);
  // One that has lasted makes the next failure the first again.
  const client = await pool.client();
  pass(1001);
  host!.breakAll();
  await soon(client.closed, "the end of the connection");
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(pool.close(), "the end");
});

test("a connection that this end closes is no failure of the endpoint", async () => {
  const { pool, hosts: [host], events } = poolAndHosts(1, { slots: 1 });
  for (const end of ["close", "abort"] as const) {
    const client = await pool.client();
    client[end]();
    await soon(client.closed, "the end of the connection");
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  }
  assertEquals(events.filter(([what]) => what === "failed"), []);
  assertEquals(host!.tries, 3);
  await soon(pool.close(), "the end");
});

test("beside a slow endpoint the next is tried, and what comes late is aborted", async () => {
  const { pool, hosts: [a], events } = poolAndHosts(2, { slots: 1, random: () => 0 });
  a!.hold();
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  assertEquals(a!.signals.map(({ aborted }) => aborted), [true]);
  a!.release();
  await a!.until(() => a!.connections.size === 1, "the late connection");
  await a!.until(() => a!.connections.size === 0, "its end");
  assertEquals(pool.connected, 1);
  // To be slower is no failure.
  assertEquals(names(events), ["connected b"]);
  await soon(pool.close(), "the end");
});

test("a connect that takes longer than connectTimeout has failed, and what comes late is aborted", async () => {
  const { pool, hosts: [host], events } = poolAndHosts(1, { slots: 1, connectTimeout: 20 });
  host!.hold();
  const { cause } = await unavailable(pool.unary(body("x")));
  assertInstanceOf(cause, TransportError);
  assertEquals(cause.code, "timed-out");
  assert(cause.message.includes("connectTimeout, 20 ms"), cause.message);
  assertEquals(host!.signals.map(({ aborted }) => aborted), [true]);
  assertEquals(names(events), ["failed a"]);
  host!.release();
  await host!.until(() => host!.connections.size === 1, "the late connection");
  await host!.until(() => host!.connections.size === 0, "its end");
  await soon(pool.close(), "the end");
});

test("anything that connect does wrong counts as a failed connect", async () => {
  const dead = clientAndPeer().client;
  dead.abort();
  await dead.closed;
  const oops = new Error("oops");
  const ways: [connect: () => unknown, cause: unknown, message: string][] = [
    [() => Promise.reject(oops), Error, "oops"],
    [
      () => {
        throw oops;
      },
      Error,
      "oops",
    ],
    [() => Promise.resolve(dead), TransportError, "ended as soon as it was made"],
    [() => Promise.resolve(undefined), TypeError, "connect made no RpcClient"],
    [() => ({}), TypeError, "connect made no RpcClient"],
  ];
  for (const [connect, kind, message] of ways) {
    const pool = new RpcPool<Message, Message, string>({
      endpoints: ["a"],
      connect: connect as RpcPoolConfig<Message, Message, string>["connect"],
    });
    const error = await unavailable(pool.unary(body("x")));
    assertInstanceOf(error.cause, kind as typeof Error);
    assert(error.message.includes(message), error.message);
    await pool.close();
  }
});

test("an endpoint that has come back gets slots again, and calls in flight stay", async () => {
  const { pool, hosts, events } = poolAndHosts(2, { slots: 4, random: () => 0 });
  const [a, b] = hosts as [Host, Host];
  a.down();
  await fill(pool);
  assertEquals(loads(hosts), [0, 4]);
  const next = asked(b);
  const inFlight = Array.from({ length: 4 }, (_, key) => pool.unary(body(key), { key }));
  const calls = [await next(), await next(), await next(), await next()];
  b.handler = () => body("b");

  a.up();
  // One slot a second, while there is something to call.
  for (const count of [1, 2, 2, 2]) {
    pass(1001);
    await bodyOf(pool.unary(body("x")));
    await a.until(() => a.connections.size === count, `${count} connections`);
    await quiet(() => a.tries);
    assertEquals(a.connections.size, count);
  }
  assertEquals(names(events).filter((name) => name !== "failed a"), [
    ...Array(4).fill("connected b"),
    ...Array(2).fill("connected a"),
  ]);
  // The two connections that were left are still there, until their calls are done.
  assertEquals([loads(hosts), pool.connected, pool.inFlight], [[2, 4], 4, 4]);
  for (const { answer, body } of calls) answer(`answer to ${body}`);
  for (const [i, call] of inFlight.entries()) assertEquals(await bodyOf(call), `answer to ${i}`);
  await b.until(() => b.connections.size === 2, "the end of what was left");
  assertEquals(loads(hosts), [2, 2]);
  await soon(pool.close(), "the end");
  assertEquals(loads(hosts), [0, 0]);
});

test("slots that are spread as well as can be are not moved", async () => {
  const { pool, hosts, events } = poolAndHosts(2, { slots: 3 });
  await fill(pool);
  assertEquals(loads(hosts).sort(), [1, 2]);
  for (let second = 0; second < 5; second++) {
    pass(1001);
    await bodyOf(pool.unary(body("x")));
    await quiet(() => events.length);
  }
  assertEquals(events.map(([what]) => what), Array(3).fill("connected"));
  await soon(pool.close(), "the end");
});

test("a slot is not moved to an endpoint that is still away", async () => {
  const { pool, hosts, events } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const [a] = hosts as [Host, Host];
  a.down();
  await fill(pool);
  const before = a.tries;
  for (let i = 1; i <= 3; i++) {
    pass(10_001);
    for (let call = 0; call < 10; call++) assertEquals(await bodyOf(pool.unary(body("x"))), "b");
    assertEquals(a.tries, before + i);
  }
  assertEquals(names(events).filter((name) => name.startsWith("disconnected")), []);
  assertEquals(loads(hosts), [0, 2]);
  await soon(pool.close(), "the end");
});

test("a slot whose connection ends while it is being moved takes any endpoint", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0, backoff: { initial: 10 } });
  const [a, b] = hosts as [Host, Host];
  a.down();
  await fill(pool);
  pass(1001);
  a.hold();
  assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  const moving = a.tries;
  b.breakAll();
  await b.until(() => b.connections.size === 0, "the end of the connections");
  await turn();
  assertEquals(pool.connected, 0);
  const calls = [0, 1].map((key) => pool.unary(body("x"), { key }));
  await quiet(() => b.tries);
  a.release();
  for (const call of calls) assertEquals(await bodyOf(call), "b");
  assert(a.tries >= moving);
  await soon(pool.close(), "the end");
});

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

  // What is connected stays, though it is found no more; what is connected anew is new.
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
  const wrong: [unknown, unknown, string][] = [
    [new Error("no name server"), undefined, "no name server"],
    [undefined, [], "endpoints returned none"],
    [undefined, "a", "endpoints did not return an array"],
    [undefined, undefined, "endpoints did not return an array"],
  ];
  for (const [error, list, message] of wrong) {
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
