// Calls that wait until a connection can be made, how many may, and how many may be retried.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RetryBudget } from "../../../../src/rpc/pool/calls/_retry_budget.ts";
import { countTimers } from "../../../support/count_timers.ts";
import {
  asked,
  bodyOf,
  type Host,
  pass,
  poolAndHosts,
  running,
  unavailable,
} from "../../../support/pool.ts";
import { quiet } from "../../../support/quiet.ts";
import { body, rpcError } from "../../../support/rpc.ts";
import { outcome, soon } from "../../../support/within.ts";

const backoff = { initial: 5, max: 20, jitter: 0 };

test("waitForReady: a call waits while nothing can be connected to, and is then made", async () => {
  using _clock = running();
  const { pool, hosts } = poolAndHosts(2, { backoff });
  const [a, b] = hosts as [Host, Host];
  a.down();
  b.down();
  const calls = [
    bodyOf(pool.unary(body("x"), { waitForReady: true })),
    pool.streaming(body("x"), { waitForReady: true }).next().then(({ value }) => value?.body),
    pool.client({ waitForReady: true }).then((client) => bodyOf(client.unary(body("x")))),
    bodyOf(pool.unary(body("x"), { waitForReady: true, key: "one" })),
    bodyOf(pool.unary(body("x"), { waitForReady: true, key: 1 })),
  ];
  // Others still fail at once.
  await unavailable(pool.unary(body("x")));
  await a.until(() => a.tries >= 3, "three tries");
  assertEquals(pool.waiting, 5);
  b.up();
  for (const call of calls) assertEquals(await soon(call, "a call"), "b");
  assertEquals(pool.waiting, 0);
  await soon(pool.close(), "the end");
});

test("waitForReady: the pool's option is for calls that do not say", async () => {
  using _clock = running();
  const { pool, hosts: [host] } = poolAndHosts(1, { backoff, waitForReady: true });
  host!.down();
  const waits = pool.unary(body("x"));
  await unavailable(pool.unary(body("x"), { waitForReady: false }));
  host!.up();
  assertEquals(await bodyOf(waits), "a");
  const wrong = "yes" as unknown as boolean;
  assertThrows(() => pool.unary(body("x"), { waitForReady: wrong }), TypeError, "waitForReady");
  await soon(pool.close(), "the end");
});

test("waitForReady: endpoints that cannot be found are waited for, too", async () => {
  using _clock = running();
  let found: string[] = [];
  const { pool } = poolAndHosts(1, {
    backoff,
    waitForReady: true,
    endpoints: () => Promise.resolve(found),
  });
  const calls = [undefined, "key", 3].map((key) => bodyOf(pool.unary(body("x"), { key })));
  await quiet(() => pool.waiting);
  found = ["a"];
  for (const call of calls) assertEquals(await call, "a");
  await soon(pool.close(), "the end");
});

test("waitForReady: a call that waits ends with its timeout, its signal, or the pool", async () => {
  using _clock = running();
  const { left } = await countTimers(async () => {
    const { pool, hosts: [host] } = poolAndHosts(1, { backoff, waitForReady: true });
    host!.down();
    const late = outcome(pool.unary(body("x"), { timeout: 30 }));
    assertEquals((await rpcError(late, "deadline-exceeded")).message, "No answer within 30 ms");
    const controller = new AbortController();
    const given = outcome(pool.unary(body("x"), controller));
    controller.abort("enough");
    assertEquals(await soon(given, "the call"), { kind: "error", error: "enough" });
    const waits = outcome(pool.unary(body("x")));
    await quiet(() => pool.waiting);
    await soon(pool.close(), "the end");
    await rpcError(waits, "connection-closed");

    const other = poolAndHosts(1, { backoff: { initial: 60_000 }, waitForReady: true });
    other.hosts[0]!.down();
    const stays = outcome(other.pool.unary(body("x")));
    await quiet(() => other.pool.waiting);
    await soon(other.pool.drain({ timeout: 20 }), "the end of the drain");
    await rpcError(stays, "connection-closed");
  });
  assertEquals(left, []);
});

test("maxWaitingCalls: so many wait for a connection, and further ones fail at once", async () => {
  for (const maxWaitingCalls of [0, 1, 3]) {
    const { pool, hosts: [host] } = poolAndHosts(1, { maxWaitingCalls });
    host!.hold();
    const calls = Array.from({ length: maxWaitingCalls }, () => pool.unary(body("x")));
    for (let i = 0; i < 3; i++) {
      const { message } = await unavailable(pool.unary(body("x")));
      assert(message.includes(`maxWaitingCalls, ${maxWaitingCalls},`), message);
    }
    assertEquals(pool.waiting, maxWaitingCalls);
    host!.release();
    for (const call of calls) assertEquals(await bodyOf(call), "a");
    await soon(pool.close(), "the end");
  }
});

test("a call whose own connect has nothing to try uses what another one makes", async () => {
  // All calls at once: so many slots as there are, and one connection is allowed.
  const { pool, hosts: [host] } = poolAndHosts(1, { backoff, maxConnectionsPerEndpoint: 1 });
  host!.hold();
  const calls = Array.from({ length: 20 }, () => bodyOf(pool.unary(body("x"))));
  await host!.until(() => host!.tries === 1, "a connect");
  await quiet(() => pool.waiting);
  assertEquals(pool.waiting, 20);
  host!.release();
  for (const call of calls) assertEquals(await call, "a");
  assertEquals(host!.tries, 1);
  await soon(pool.close(), "the end");
});

test("a call fails when all connects have failed, and one that others wait for does not hold it up", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { backoff, maxConnectionsPerEndpoint: 1 });
  host!.hold();
  const calls = Array.from({ length: 20 }, () => unavailable(pool.unary(body("x"))));
  await host!.until(() => host!.tries === 1, "a connect");
  host!.down();
  host!.release();
  for (const call of calls) await call;
  await soon(pool.close(), "the end");
});

test("with most endpoints away, a burst of calls goes to the one that is left", async () => {
  const { pool, hosts } = poolAndHosts(10, { backoff: { initial: 1000 } });
  for (const host of hosts.slice(1)) host.down();
  hosts[0]!.hold();
  const calls = Array.from({ length: 50 }, () => bodyOf(pool.unary(body("x"))));
  await quiet(() => pool.waiting);
  assertEquals(pool.waiting, 50);
  hosts[0]!.release();
  for (const call of calls) assertEquals(await call, "a");
  await soon(pool.close(), "the end");
});

test("retryBudget: a share of the calls of ten seconds, and some a second in any case", () => {
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 1 });
  const takeAll = (now: number) => {
    for (let taken = 0;; taken++) if (!budget.take(now)) return taken;
  };
  assertEquals(takeAll(0), 10);
  for (let i = 0; i < 100; i++) budget.called(1000);
  assertEquals(takeAll(1000), 20);
  assertEquals(takeAll(9999), 0);
  // What was used in the first second is forgotten; then what was called in the second.
  assertEquals(takeAll(10_000), 10);
  for (let i = 0; i < 50; i++) budget.called(15_500);
  assertEquals(takeAll(15_500), 10);
  assertEquals(takeAll(1e9), 10);
  assertEquals(new RetryBudget({ ratio: 1, minPerSecond: 0 }).take(0), false);
});

test("retryBudget: when it is used up, idempotent calls fail as others do", async () => {
  for (const [retryBudget, attempts] of [[{ minPerSecond: 1 }, 42], [false, 90]] as const) {
    const { pool, hosts } = poolAndHosts(6, {
      slots: 6,
      retryBudget,
      outlierDetection: false,
      backoff: { initial: 1, max: 1 },
    });
    let calls = 0;
    for (const host of hosts) {
      host.handler = () => {
        calls++;
        queueMicrotask(() => host.breakAll());
        return new Promise(() => {});
      };
    }
    for (let i = 0; i < 30; i++) {
      const call = outcome(pool.unary(body("poison"), { idempotent: true }));
      assertEquals((await rpcError(call, "connection-closed")).sent, true);
      pass(5);
    }
    // 10 and a fifth of 30 are retried, or each twice.
    assert(Math.abs(calls - attempts) <= 4, `${calls} attempts, not ${attempts}`);
    await soon(pool.close(), "the end");
  }
});

test("retryBudget: calls that were never sent are retried whatever is left of it", async () => {
  const retryBudget = { ratio: 0, minPerSecond: 0 };
  const { pool, hosts } = poolAndHosts(2, { slots: 2, retryBudget });
  await Promise.all([pool.client({ key: 0 }), pool.client({ key: 1 })]);
  const [a] = hosts as [Host, Host];
  const gone = [...a.connections].map((connection) => connection.drain());
  const calls = Array.from({ length: 20 }, (_, key) => pool.unary(body("x"), { key }));
  for (const call of calls) await bodyOf(call);
  await soon(Promise.all(gone), "the drained connection");
  await soon(pool.close(), "the end");
});

test("onRetry tells of each call that is made again", async () => {
  const { pool, hosts, events } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const next = asked(...hosts);
  const call = pool.unary(body("x"), { idempotent: true });
  (await next()).host.breakAll();
  (await next()).answer("again");
  assertEquals(await bodyOf(call), "again");
  const [retry, ...others] = events.filter(([what]) => what === "retry");
  await rpcError(outcome(Promise.reject(retry![1])), "connection-closed");
  assertEquals(others, []);
  await soon(pool.close(), "the end");
});
