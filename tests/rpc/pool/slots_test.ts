// A pool's slots: when they connect, which one a call goes to, and what becomes of them.
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { refused, type RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { asked, bodyOf, pass, poolAndHosts, unavailable } from "../../support/pool.ts";
import { withSeeds } from "../../support/random.ts";
import { body, type Message, normal, rpcError } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

test("a slot connects when a call first falls to it", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { random: () => 0 });
  assertEquals([pool.size, pool.connected, pool.inFlight, host!.tries], [4, 0, 0, 0]);
  const call = pool.unary(body("x"));
  assertEquals([pool.connected, pool.waiting], [0, 1]);
  assertEquals(await bodyOf(call), "a");
  assertEquals([pool.connected, pool.waiting, host!.tries], [1, 0, 1]);
  for (let i = 0; i < 10; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals([pool.connected, host!.tries], [1, 1]);
  await soon(pool.close(), "the end");
});

test("calls that come meanwhile share the pending connect", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  host!.hold();
  const calls = Array.from({ length: 100 }, () => pool.unary(body("x")));
  const clients = Array.from({ length: 10 }, () => pool.client());
  const stream = pool.streaming(body("x"));
  assertEquals(pool.waiting, 111);
  host!.release();
  for (const call of calls) assertEquals(await bodyOf(call), "a");
  const [client, ...others] = await soon(Promise.all(clients), "the clients");
  for (const other of others) assertStrictEquals(other, client);
  assertEquals((await soon(stream.next(), "an item")).value?.body, "a");
  assertEquals([host!.tries, pool.waiting, pool.connected], [1, 0, 1]);
  await soon(pool.close(), "the end");
});

test("a failed connect fails all waiting calls, and leaves the slot free to try again", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  host!.hold();
  const calls = [pool.unary(body("x")), pool.client(), pool.streaming(body("x")).next()];
  const errors = calls.map(unavailable);
  host!.down();
  host!.release();
  for (const error of errors) {
    const { message, cause } = await error;
    assert(cause instanceof TransportError && cause.code === "refused", message);
    assert(message.includes("a is down"), message);
  }
  // One error for each, so that each has its caller's stack.
  assertEquals(new Set(await Promise.all(errors)).size, 3);
  assertEquals(host!.tries, 1);

  host!.up();
  pass(1000);
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals(host!.tries, 2);
  await soon(pool.close(), "the end");
});

test("a slot whose connection has ended connects again at the next call", async () => {
  const { pool, hosts: [host], events } = poolAndHosts(1, { slots: 1 });
  for (let i = 0; i < 2; i++) {
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
    // Else it would be one that ends as soon as it is made.
    pass(1000);
    const [connection] = host!.connections;
    const client = await pool.client();
    connection!.abort();
    await soon(client.closed, "the end of the connection");
    assertEquals(pool.connected, 0);
  }
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals(host!.tries, 3);
  assertEquals(events.map(([what]) => what), [
    "connected",
    "disconnected",
    "connected",
    "disconnected",
    "connected",
  ]);
  await soon(pool.close(), "the end");
});

test("a key chooses the slot: key mod slots", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 3 });
  const keys = [0, 1, 2, 3, 4, 5n, 2 ** 53 - 1, 2n ** 64n - 1n];
  const clients = await soon(Promise.all(keys.map((key) => pool.client({ key }))), "the clients");
  const slots = keys.map((key) => Number(BigInt(key) % 3n));
  const byKey = new Map<number, RpcClient<Message, Message>>();
  for (const [i, slot] of slots.entries()) {
    if (!byKey.has(slot)) byKey.set(slot, clients[i]!);
    assertStrictEquals(clients[i], byKey.get(slot));
  }
  assertEquals([new Set(clients).size, host!.tries], [3, 3]);

  // The calls go there too.
  const next = asked(host!);
  const calls = [pool.unary(body("x"), { key: 1 }), pool.unary(body("x"), { key: 4n })];
  await next();
  await next();
  assertEquals([0, 1, 2].map((slot) => byKey.get(slot)!.inFlight), [0, 2, 0]);
  const ends = calls.map(outcome);
  await soon(pool.close(), "the end");
  await Promise.all(ends);
});

test("an invalid key is a RangeError or a TypeError, and nothing is connected", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1);
  for (const key of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n]) {
    assertThrows(() => pool.unary(body("x"), { key }), RangeError, "key");
    assertThrows(() => pool.streaming(body("x"), { key }), RangeError, "key");
    await assertRejects(() => pool.client({ key }), RangeError, "key");
  }
  for (const key of ["", true, {}, null]) {
    const wrong = key as unknown as string;
    assertThrows(() => pool.unary(body("x"), { key: wrong }), TypeError, `not ${String(key)}`);
  }
  assertEquals([host!.tries, pool.waiting], [0, 0]);
  await soon(pool.close(), "the end");
});

test("a timeout out of range is a RangeError, and nothing is connected", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1);
  for (const timeout of [0, -1, 0.5, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => pool.unary(body("x"), { timeout }), RangeError, "timeout");
    assertThrows(() => pool.streaming(body("x"), { timeout }), RangeError, "timeout");
    await assertRejects(() => pool.client({ timeout }), RangeError, "timeout");
  }
  assertEquals([host!.tries, pool.waiting], [0, 0]);
  await soon(pool.close(), "the end");
});

test("a call goes to the less busy of two slots", () =>
  withSeeds(10, async (random) => {
    const draw = () => random.below(2 ** 30) / 2 ** 30;
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 8, random: draw });
    const clients = await Promise.all(Array.from({ length: 8 }, (_, key) => pool.client({ key })));
    host!.handler = () => new Promise(() => {});
    const calls = Array.from({ length: 800 }, () => outcome(pool.unary(body("x"))));
    const loads = clients.map(({ inFlight }) => inFlight);
    assertEquals(loads.reduce((a, b) => a + b), 800);
    // Slots taken at random would be some thirty apart.
    assert(Math.max(...loads) - Math.min(...loads) <= 8, loads.join());
    await soon(pool.close(), "the end");
    await Promise.all(calls);
  }));

test("nobody waits for a connect while a slot is connected", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 2, random: () => 0 });
  const client = await soon(pool.client({ key: 0 }), "the first slot");
  const next = asked(host!);
  host!.hold();
  // The other slot has nothing in flight, so these would fall to it.
  const busy = client.unary(body("busy"));
  const { answer } = await next();
  const calls = Array.from({ length: 20 }, () => pool.unary(body("x")));
  for (const _ of calls) await next().then(({ answer }) => answer("fine"));
  for (const call of calls) assertEquals(await bodyOf(call), "fine");
  assertEquals([pool.connected, host!.tries, pool.waiting], [1, 2, 0]);
  host!.release();
  await soon(pool.client({ key: 1 }), "the second slot");
  assertEquals([pool.connected, host!.tries], [2, 2]);
  answer("at last");
  await busy;
  await soon(pool.close(), "the end");
});

test("what a server refuses or cancels is the answer, not a failure of the connection", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1);
  let calls = 0;
  host!.handler = () => (calls++, refused);
  for (const idempotent of [false, true]) {
    await rpcError(outcome(pool.unary(body("x"), { idempotent })), "cancelled");
    await rpcError(outcome(pool.streaming(body("x"), { idempotent }).next()), "cancelled");
  }
  await rpcError(outcome(pool.unary(body(1n), { idempotent: true })), "encode-failed");
  assertEquals(calls, 4);
  await soon(pool.close(), "the end");
});

test("streams: read, left, and counted", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 2 });
  host!.handler = async function* ({ body: count }) {
    for (let i = 0; i < Number(count); i++) yield body(i);
  };
  for (const count of [0, 1, 100]) {
    const items: unknown[] = [];
    for await (const item of pool.streaming(normal(7, count))) items.push(item.body);
    assertEquals(items, [...Array(count).keys()]);
  }
  for await (const item of pool.streaming(body(1000))) if (item.body === 10) break;
  assertEquals(pool.inFlight, 0);

  const stream = pool.streaming(body(3));
  const reads = [1, 2, 3, 4, 5].map(() => stream.next());
  const results = await soon(Promise.all(reads), "five reads at once");
  assertEquals(results.map(({ value }) => value?.body), [0, 1, 2, undefined, undefined]);
  assertEquals(results.map(({ done }) => done), [false, false, false, true, true]);
  assertEquals((await stream.next()).done, true);
  assertEquals((await stream.return()).done, true);

  {
    await using unread = pool.streaming(body(1000));
    assertEquals([unread[Symbol.asyncIterator]() === unread, pool.inFlight], [true, 1]);
  }
  await pool.client();
  assertEquals(pool.inFlight, 0);
  await soon(pool.close(), "the end");
});

test("a stream that is left before there is a connection is never asked", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  let calls = 0;
  host!.handler = () => (calls++, body("x"));
  host!.hold();
  const stream = pool.streaming(body("x"));
  const reads = [stream.next(), stream.next()];
  await soon(stream.return(), "the return");
  for (const read of reads) assertEquals((await soon(read, "a read")).done, true);
  assertEquals([(await stream.next()).done, pool.waiting], [true, 0]);
  host!.release();
  assertEquals(await bodyOf(pool.unary(body("x"))), "x");
  assertEquals(calls, 1);
  await soon(pool.close(), "the end");
});

test("an observer that throws harms nobody", async () => {
  const throws = () => {
    throw new Error("the observer's own");
  };
  const { hosts: [host] } = poolAndHosts(1);
  const pool = new RpcPool<Message, Message, string>({
    endpoints: ["a"],
    connect: (_, { signal }) => host!.connect({}, 65536, signal),
    observer: { onConnected: throws, onConnectFailed: throws, onDisconnected: throws },
  });
  host!.down();
  await unavailable(pool.unary(body("x")));
  host!.up();
  pass(1000);
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(pool.close(), "the end");
});
