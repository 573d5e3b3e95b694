// What a pool does when a server says that it is going away, and with one that refuses calls.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { refused } from "@protosocket/protosocket/rpc";
import {
  asked,
  bodyOf,
  type Host,
  pass,
  poolAndHosts,
  unavailable,
} from "../../../support/pool.ts";
import { body, type Message, rpcError } from "../../../support/rpc.ts";
import { fired, outcome, soon, turn, until } from "../../../support/within.ts";

/** A pool of two slots, each connected to a host of its own. */
async function twoOfTwo() {
  const made = poolAndHosts(2, { slots: 2, random: () => 0 });
  await Promise.all([made.pool.client({ key: 0 }), made.pool.client({ key: 1 })]);
  // Else they would be connections that end as soon as they are made.
  pass(1000);
  return { ...made, a: made.hosts[0]!, b: made.hosts[1]! };
}

/** Lets a host's connections drain; calls in flight may finish. */
function goesAway(host: Host): Promise<unknown> {
  return Promise.all([...host.connections].map((connection) => connection.drain()));
}

test("a connection that is going away is replaced at once, and calls in flight finish on it", async () => {
  const { pool, a, b, events } = await twoOfTwo();
  const next = asked(a, b);
  const calls = [0, 1].map((key) => pool.unary(body("x"), { key }));
  const requests = [await next(), await next()];
  const gone = goesAway(a);
  await b.until(() => b.connections.size === 2, "the replacement");
  await until(() => pool.connected === 2, () => "two slots are connected");
  assertEquals([a.connections.size, pool.inFlight], [1, 2]);
  for (const { answer, host } of requests) answer(host.name);
  assertEquals((await Promise.all(calls.map(bodyOf))).sort(), ["a", "b"]);
  await soon(gone, "the end of the drained connection");
  await until(() => events.some(([what]) => what === "disconnected"), () => "the pool knows");
  assertEquals(events.map(([what, who]) => `${what} ${who}`).slice(2), [
    "going away a",
    "connected b",
    "disconnected a",
  ]);
  await soon(pool.close(), "the end");
});

test("calls that the server has not begun go elsewhere, idempotent or not, and are begun once", async () => {
  const { pool, a, b } = await twoOfTwo();
  const begun: unknown[] = [];
  for (const host of [a, b]) {
    host.handler = async ({ body: asked }) => {
      begun.push(asked);
      await turn();
      return body(host.name);
    };
  }
  // So that both servers know what their clients know.
  for (const key of [0, 1]) await bodyOf(pool.unary(body("first"), { key }));
  begun.length = 0;
  const gone = goesAway(a);
  // The client does not know yet.
  assertEquals(pool.connected, 2);
  const calls = Array.from({ length: 20 }, (_, i) => {
    return pool.unary(body(i), { key: i % 2, idempotent: i % 4 < 2 });
  });
  for (const call of calls) assertEquals(await bodyOf(call), "b");
  assertEquals(begun.sort(), [...calls.keys()].sort());
  await soon(gone, "the end of the drained connection");
  await soon(pool.close(), "the end");
});

test("the only server is tried again at once: it may have ended no more than a connection", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  for (let i = 1; i <= 3; i++) {
    assertEquals(await bodyOf(pool.unary(body("x"))), "a");
    pass(101);
    await soon(goesAway(host!), "the end of the connection");
  }
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(pool.close(), "the end");
});

test("a server that goes away as soon as it is connected to is left alone for a while", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1, backoff: { initial: 60_000 } });
  assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(goesAway(host!), "the end of the connection");
  const { cause } = await unavailable(pool.unary(body("x")));
  assertEquals((cause as Error).message, "The server is going away");
  assertEquals(host!.tries, 1);
  await soon(pool.close(), "the end");
});

test("when the last server goes away, those that rest are tried: they may be back", async () => {
  const { pool, hosts } = poolAndHosts(2, {
    slots: 2,
    random: () => 0,
    backoff: { initial: 60_000 },
  });
  const [a, b] = hosts as [Host, Host];
  a.down();
  for (const key of [0, 1]) assertEquals((await pool.client({ key })).isAlive, true);
  assertEquals([a.connections.size, b.connections.size], [0, 2]);
  a.up();
  const gone = goesAway(b);
  for (let i = 0; i < 10; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  await soon(gone, "the end of the connections");
  await soon(pool.close(), "the end");
});

test("a stream learns that it should move, and a new one goes elsewhere", async () => {
  const { pool, a, b } = await twoOfTwo();
  for (const host of [a, b]) {
    host.handler = async function* (_, { signal }) {
      yield body(host.name);
      await fired(signal);
    };
  }
  const stream = pool.streaming(body("x"), { key: 0 });
  const { value } = await soon(stream.next(), "an item");
  const from = value!.body === "a" ? a : b;
  assertEquals(stream.goingAway.aborted, false);
  const told = fired(stream.goingAway);
  const gone = goesAway(from);
  await soon(told, "the advice to move");
  assertEquals((stream.goingAway.reason as Error).message, "The server is going away");
  const moved = pool.streaming(body("x"), { key: 0 });
  assertEquals((await soon(moved.next(), "an item")).value!.body, from === a ? "b" : "a");
  assertEquals(moved.goingAway.aborted, false);
  await stream.return();
  await soon(gone, "the end of the drained connection");
  await moved.return();
  await soon(pool.close(), "the end");
});

test("a stream of which nothing has arrived yet learns it too", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
  let begun: () => void;
  const begins = new Promise<void>((resolve) => begun = resolve);
  host!.handler = async function* (_, { signal }): AsyncGenerator<Message> {
    begun();
    await fired(signal);
    yield body("too late");
  };
  const stream = pool.streaming(body("x"));
  const { goingAway } = stream;
  const item = outcome(stream.next());
  await soon(begins, "the request");
  const gone = goesAway(host!);
  await until(() => goingAway.aborted, () => "the stream has been told");
  await stream.return();
  assertEquals((await soon(item, "the end")).kind, "value");
  await soon(gone, "the end of the drained connection");
  await soon(pool.close(), "the end");
});

test("a server that refuses at once is not preferred for being idle", async () => {
  const { pool, a, b } = await twoOfTwo();
  let refusals = 0;
  a.handler = () => (refusals++, refused);
  b.handler = () => new Promise(() => {});
  const calls = [];
  for (let i = 0; i < 100; i++) {
    calls.push(outcome(pool.unary(body("x"))));
    await turn();
  }
  assert(refusals > 10 && refusals < 60, `${refusals} of 100 calls were refused`);
  await soon(pool.close(), "the end");
  const errors = await Promise.all(calls);
  assertEquals(errors.filter(({ kind }) => kind === "value").length, 0);
});

test("a call with a key takes another slot if its own cannot be connected", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 2, backoff: { initial: 60_000 } });
  assertEquals(await bodyOf(pool.unary(body("x"), { key: 0 })), "a");
  const connection = [...host!.connections][0]!;
  host!.hold();
  const call = pool.unary(body("x"), { key: 1 });
  await host!.until(() => host!.tries === 2, "the second connect");
  host!.connections.clear();
  host!.down();
  host!.release();
  assertEquals(await bodyOf(call), "a");
  host!.connections.add(connection);
  await soon(pool.close(), "the end");
  await rpcError(outcome(pool.unary(body("x"))), "connection-closed");
});
