// Connections that no call uses are closed, and no others.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { asked, bodyOf, poolAndHosts } from "../../support/pool.ts";
import { body } from "../../support/rpc.ts";
import { soon, turn } from "../../support/within.ts";

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
