// Several endpoints: how slots are spread over them, and what becomes of those that fail.
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { duplexPair, TransportError } from "@protosocket/protosocket";
import { RpcClient, RpcPool, type RpcPoolConfig } from "@protosocket/protosocket/rpc";
import {
  asked,
  bodyOf,
  type Host,
  pass,
  poolAndHosts,
  type PoolEvent,
  unavailable,
} from "../../../support/pool.ts";
import { quiet } from "../../../support/quiet.ts";
import { withSeeds } from "../../../support/random.ts";
import { body, clientAndPeer, jsonCodec, type Message, messages } from "../../../support/rpc.ts";
import { outcome, soon, turn, until } from "../../../support/within.ts";

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

test("a connection that takes long to end does not count towards its endpoint's", async () => {
  // Of the first, nobody reads all that is sent, but its server has ended.
  const [here, there] = duplexPair({ capacity: 64, chunkSize: 64 });
  const stuck = new RpcClient(here, { codec: jsonCodec(), messages });
  let connects = 0;
  const { pool, hosts: [host] } = poolAndHosts(1, {
    slots: 1,
    connect: (_, { signal }) =>
      connects++ === 0 ? Promise.resolve(stuck) : host!.connect({}, 65536, signal),
  });
  await pool.client();
  const first = outcome(pool.unary(body("x".repeat(200))));
  await soon(there.readable.getReader().read(), "the beginning of it");
  await there.writable.close();
  await until(() => !stuck.isAlive, () => "the server's end");
  assertEquals(await bodyOf(pool.unary(body("y"))), "a");
  stuck.abort();
  await soon(first, "the first call");
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

test("whatever connect fails with counts as a failed connect", async () => {
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
    // As `fetch` does where there is no network.
    [() => Promise.reject(new TypeError("fetch failed")), TypeError, "fetch failed"],
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
