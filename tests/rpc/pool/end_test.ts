// How a pool ends.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { RpcPool } from "@protosocket/protosocket/rpc";
import { asked, bodyOf, type Host, pass, poolAndHosts } from "../../support/pool.ts";
import { body, type Message, rpcError } from "../../support/rpc.ts";
import { outcome, soon, turn } from "../../support/within.ts";

type Pool = RpcPool<Message, Message, string>;

/** What can no longer be done. */
async function assertClosed(pool: Pool): Promise<void> {
  for (
    const call of [
      pool.unary(body("x"), { idempotent: true }),
      pool.streaming(body("x")).next(),
      pool.client({ key: 0 }),
    ]
  ) {
    const error = await rpcError(outcome<unknown>(call), "connection-closed");
    assertEquals([error.message, error.sent], ["Cannot call: the pool is closed", false]);
  }
  assertEquals(pool.waiting, 0);
}

test("close() fails what is in flight and what waits, and gives up connecting", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const [a, b] = hosts as [Host, Host];
  const next = asked(a);
  const inFlight = [
    outcome(pool.unary(body("x"), { key: 0, idempotent: true })),
    outcome(pool.streaming(body("x"), { key: 0, idempotent: true }).next()),
  ];
  await next();
  await next();
  b.hold();
  const waits = [
    outcome(pool.unary(body("x"), { key: 1 })),
    outcome(pool.streaming(body("x"), { key: 1 }).next()),
    outcome(pool.client({ key: 1 })),
  ];
  assertEquals([pool.connected, pool.inFlight, pool.waiting], [1, 2, 3]);
  const closed = pool.close();
  for (const call of inFlight) assertEquals((await rpcError(call, "connection-closed")).sent, true);
  for (const call of waits) assertEquals((await rpcError(call, "connection-closed")).sent, false);
  assertEquals(b.signals.map(({ aborted }) => aborted), [true]);
  await soon(closed, "the end");
  assertEquals([a.connections.size, pool.connected, pool.inFlight], [0, 0, 0]);
  await assertClosed(pool);

  // The connect that did not heed its signal.
  b.release();
  await b.until(() => b.connections.size === 1, "the late connection");
  await b.until(() => b.connections.size === 0, "its end");
  await assertClosed(pool);
});

test("closing again does nothing, and neither does closing a pool that was never used", async () => {
  const { pool } = poolAndHosts(1);
  assertStrictEquals(pool.close(), pool.close());
  await soon(pool.close(), "the end");
  await soon(pool.drain(), "the end");
  await assertClosed(pool);
});

test("whenever a pool closes while it connects, no connection is left", async () => {
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
    const calls = [outcome(pool.unary(body("x"))), outcome(pool.streaming(body("x")).next())];
    for (let i = 0; i < microtasks; i++) await Promise.resolve();
    await soon(pool.close(), "the end");
    for (const call of calls) await soon<unknown>(call, "a call");
    await host!.until(() => host!.connections.size === 0, "the end of the connection");
    assertEquals([pool.connected, pool.inFlight, pool.waiting], [0, 0, 0]);
  }
});

test("a connect that never ends does not keep the pool from closing", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  host!.hold();
  const call = outcome(pool.unary(body("x")));
  await soon(pool.close(), "the end");
  await rpcError(call, "connection-closed");
});

test("a function of endpoints that never answers does not keep the pool from closing", async () => {
  const { pool } = poolAndHosts(1, { endpoints: () => new Promise(() => {}) });
  const call = outcome(pool.unary(body("x")));
  await soon(pool.close(), "the end");
  await rpcError(call, "connection-closed");
});

test("await using closes the pool", async () => {
  const made = poolAndHosts(1);
  {
    await using pool = made.pool;
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  }
  assertEquals(made.hosts[0]!.connections.size, 0);
  await assertClosed(made.pool);
});

test("drain() lets calls in flight and those that wait for a connection finish", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const [a, b] = hosts as [Host, Host];
  const next = asked(a, b);
  const first = pool.unary(body("x"), { key: 0 });
  const items = pool.streaming(body("x"), { key: 0 });
  const item = items.next();
  const inFlight = [await next(), await next()];
  b.hold();
  const stream = pool.streaming(body("x"), { key: 1 });
  const waits = [pool.unary(body("x"), { key: 1 }), stream.next().then(({ value }) => value!)];
  assertEquals([pool.inFlight, pool.waiting], [2, 2]);
  let over = false;
  const drained = pool.drain({ timeout: 60_000 }).then(() => over = true);
  await assertRefused(pool);
  b.release();
  for (const _ of waits) (await next()).answer("waited");
  for (const call of waits) assertEquals(await bodyOf(call), "waited");
  assertEquals(over, false);
  for (const { answer } of inFlight) answer("fine");
  assertEquals(await bodyOf(first), "fine");
  assertEquals((await soon(item, "an item")).value?.body, "fine");
  await Promise.all([items.return(), stream.return()]);
  await soon(drained, "the end");
  assertEquals([a.connections.size, b.connections.size], [0, 0]);
  await assertClosed(pool);
});

async function assertRefused(pool: Pool): Promise<void> {
  await rpcError(outcome(pool.unary(body("x"))), "connection-closed");
}

test("drain() gives up at its timeout", async () => {
  // Or what waits for the second host goes to the first, on a machine that is as slow as that.
  const options = { slots: 2, random: () => 0, maxConnectionsPerEndpoint: 1 };
  const { pool, hosts } = poolAndHosts(2, options);
  const [a, b] = hosts as [Host, Host];
  const next = asked(a);
  const inFlight = outcome(pool.unary(body("x"), { key: 0 }));
  const { signal } = await next();
  b.hold();
  const waits = outcome(pool.unary(body("x"), { key: 1 }));
  await soon(pool.drain({ timeout: 20 }), "the end");
  assertEquals((await rpcError(inFlight, "connection-closed")).sent, true);
  assertEquals((await rpcError(waits, "connection-closed")).sent, false);
  assert(signal.aborted);
  await soon(poolAndHosts(1).pool.drain({ timeout: 0 }), "the end of a pool without calls");
});

test("close() cuts a drain short", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const [a, b] = hosts as [Host, Host];
  const next = asked(a);
  const inFlight = outcome(pool.unary(body("x"), { key: 0 }));
  await next();
  const drains = [pool.drain(), pool.drain({ timeout: 1 })];
  assertStrictEquals(drains[0], drains[1]);
  await turn();
  await soon(pool.close(), "the end");
  await rpcError(inFlight, "connection-closed");
  await soon(Promise.all(drains), "the end of the drain");

  const other = poolAndHosts(1);
  other.hosts[0]!.hold();
  const waits = outcome(other.pool.unary(body("x")));
  const drained = other.pool.drain();
  await soon(other.pool.close(), "the end");
  await rpcError(waits, "connection-closed");
  await soon(drained, "the end of the drain");
  assertEquals(b.tries, 0);
});

test("a connection that breaks while the pool closes is no failure of its endpoint", async () => {
  for (const end of ["close", "drain"] as const) {
    const { pool, hosts: [host], events } = poolAndHosts(1);
    await pool.client();
    const ended = pool[end]();
    host!.breakAll();
    await soon(ended, "the end");
    await turn();
    assertEquals(events.map(([what]) => what), ["connected", "disconnected"]);
    assert(events[1]![0] === "disconnected");
  }
});

test("a bad timeout of drain() is a RangeError, and the pool goes on", async () => {
  const { pool } = poolAndHosts(1);
  for (const timeout of [-1, 0.5, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => pool.drain({ timeout }), RangeError, "timeout");
  }
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(pool.close(), "the end");
});

test("drain() ends what a slot has been moved from, too", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const [a, b] = hosts as [Host, Host];
  a.down();
  await Promise.all([pool.client({ key: 0 }), pool.client({ key: 1 })]);
  const next = asked(b);
  const calls = [0, 1].map((key) => outcome(pool.unary(body("x"), { key })));
  await next();
  await next();
  a.up();
  pass(1001);
  await pool.client();
  await a.until(() => a.connections.size === 1, "the move of a slot");
  await turn();
  assertEquals([pool.connected, pool.inFlight], [2, 2]);
  await soon(pool.drain({ timeout: 10 }), "the end");
  for (const call of calls) await rpcError(call, "connection-closed");
  assertEquals([a.connections.size, b.connections.size], [0, 0]);
});
