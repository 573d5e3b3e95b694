// A pool leaves neither a timer nor a listener behind, nor a call that never settles.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { countTimers } from "../../support/count_timers.ts";
import type { RpcPool } from "@protosocket/protosocket/rpc";
import { bodyOf, type Host, pass, poolAndHosts, unavailable } from "../../support/pool.ts";
import { body, type Message } from "../../support/rpc.ts";
import { deferred, outcome, soon, turn } from "../../support/within.ts";

type Pool = RpcPool<Message, Message, string>;

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
