// How a pool ends, how it closes what is idle, and that it leaves nothing behind.
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { countTimers } from "../support/count_timers.ts";
import type { RpcPool } from "@protosocket/protosocket/rpc";
import { asked, bodyOf, type Host, pass, poolAndHosts, unavailable } from "../support/pool.ts";
import { body, type Message, rpcError } from "../support/rpc.ts";
import { deferred, outcome, soon, turn } from "../support/within.ts";

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
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
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

test("a connection without calls is closed, and opened again by the next call", async () => {
  const { pool, hosts: [host], events } = poolAndHosts(1, { slots: 1, idleTimeout: 10 });
  for (const tries of [1, 2, 3]) {
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
    assertEquals(host!.tries, tries);
    await host!.until(() => host!.connections.size === 0, "the end of the idle connection");
    assertEquals(pool.connected, 0);
  }
  await turn();
  const ends = events.filter((event) => event[0] === "disconnected");
  assertEquals(ends.map((event) => event[2]), Array(3).fill({ kind: "local" }));
  assertEquals(events.filter(([what]) => what === "failed"), []);
  await soon(pool.close(), "the end");
});

test("a connection with a call in flight is not idle, however long it takes", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 2, idleTimeout: 5 });
  const next = asked(host!);
  const call = pool.unary(body("x"), { key: 0 });
  const { answer } = await next();
  await pool.client({ key: 1 });
  // The other slot's connection is there to show that time has passed.
  for (let i = 0; i < 3; i++) {
    await host!.until(() => host!.connections.size === 1, "the end of the idle connection");
    await pool.client({ key: 1 });
  }
  await host!.until(() => host!.connections.size === 1, "the end of the idle connection");
  answer("late");
  assertEquals(await bodyOf(call), "late");
  await host!.until(() => host!.connections.size === 0, "the end of the other");
  await soon(pool.close(), "the end");
});

test("a connection is idle after a whole idleTimeout without a call, and not before", async () => {
  // The test plays the timer.
  const { setTimeout } = globalThis;
  const idleTimeout = 123_456;
  let sweep = () => {};
  globalThis.setTimeout = ((callback: () => void, ms?: number) => {
    if (ms !== idleTimeout) return setTimeout(callback, ms);
    sweep = callback;
  }) as typeof setTimeout;
  try {
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1, idleTimeout });
    const next = asked(host!);
    const call = pool.unary(body("x"));
    const { answer } = await next();
    const stays = () => {
      sweep();
      assertEquals(pool.connected, 1);
    };
    for (let i = 0; i < 5; i++) stays();
    answer("fine");
    await call;
    // Calls that begin and end between two looks are seen, too.
    host!.handler = () => body("quick");
    for (let i = 0; i < 5; i++) {
      await bodyOf(pool.unary(body("x")));
      stays();
      stays();
    }
    await pool.client();
    stays();
    stays();
    sweep();
    assertEquals(pool.connected, 0);
    await host!.until(() => host!.connections.size === 0, "the end of the connection");
    await soon(pool.close(), "the end");
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

test("however a pool ends, no timer is left", async () => {
  const options = { slots: 3, idleTimeout: 100_000, connectTimeout: 100_001, timeout: 100_002 };
  for (const end of ["close", "drain", "close while connecting", "drain while connecting"]) {
    const { left } = await countTimers(async () => {
      const { pool, hosts } = poolAndHosts(2, options);
      const calls = [outcome(pool.unary(body("x")))];
      for await (const _ of pool.streaming(body("x"))) break;
      if (end.includes("connecting")) {
        for (const host of hosts) host.hold();
        for (const key of [0, 1, 2]) calls.push(outcome(pool.unary(body("x"), { key })));
      }
      if (end.startsWith("close")) await pool.close();
      else await pool.drain({ timeout: 10 });
      await Promise.all(calls);
    });
    assertEquals(left, [], end);
  }
});

test("no timer is left by a connect that fails, is slow, or is not waited for", async () => {
  const { left } = await countTimers(async () => {
    const { pool, hosts } = poolAndHosts(2, { connectTimeout: 100_001, timeout: 100_002 });
    const [a, b] = hosts as [Host, Host];
    a.down();
    b.down();
    await unavailable(pool.unary(body("x")));
    pass(20_000);
    a.up();
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
    pass(20_000);
    const controller = new AbortController();
    const given = outcome(pool.client({ key: 1, signal: controller.signal }));
    controller.abort();
    await given;
    b.up();
    await pool.client({ key: 1 });
    await pool.close();
  });
  assertEquals(left, []);
});

test("a pool whose connections have all ended keeps no timer for the idle", async () => {
  let made!: Pool;
  const { left } = await countTimers(async () => {
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1, idleTimeout: 100_000 });
    made = pool;
    const client = await pool.client();
    host!.breakAll();
    await client.closed;
  });
  assertEquals(left, []);
  await made.close();
});

test("signals are left without listeners", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  host!.hold();
  const stream = pool.streaming(body("x"), { signal });
  const calls = [pool.unary(body("x"), { signal }), pool.client({ signal }), stream.next()];
  // However many wait: runtimes take many listeners for a leak.
  assertEquals(listeners, 1);
  const left = pool.streaming(body("x"), { signal });
  await left.return();
  host!.release();
  for (const call of calls) await soon<unknown>(call, "a call");
  await stream.return();
  assertEquals(listeners, 0);
  await soon(pool.drain(), "the end");
});

test("every call settles once, whatever happens and in whatever order", async () => {
  const { pool, hosts } = poolAndHosts(3, {
    slots: 3,
    backoff: { initial: 1, max: 2 },
    client: { maxQueuedMessages: 2 },
    capacity: 100,
  });
  for (const host of hosts) {
    host.handler = async () => {
      await turn();
      return body(host.name);
    };
  }
  let settled = 0;
  const codes = new Set<unknown>();
  const calls: Promise<void>[] = [];
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 10; i++) {
      const call = pool.unary(body("y".repeat(50)), { idempotent: i % 2 === 0, timeout: 60_000 });
      calls.push(
        call.then(() => {}, (error) => void codes.add(error.code)).then(() => {
          settled++;
        }),
      );
    }
    const host = hosts[round % 3]!;
    if (round % 5 === 0) host.down();
    else if (round % 5 === 3) { for (const each of hosts) each.up(); }
    else if (round % 7 === 0) host.breakAll();
    await turn();
  }
  const gone = deferred();
  setTimeout(gone.resolve, 5);
  await gone.promise;
  await soon(pool.close(), "the end");
  await soon(Promise.all(calls), "all calls");
  assertEquals(settled, 600);
  for (const code of codes) {
    assert(code === "connection-closed" || code === "unavailable", `${code}`);
  }
});
