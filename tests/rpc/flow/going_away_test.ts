// What both ends say, in messages that other peers ignore, when a server goes away.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { RpcError } from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  type Message,
  messages,
  normal,
  RESERVED,
  rpcError,
  serverAndPeer,
} from "../../support/rpc.ts";
import { slowServer } from "../../support/slow_server.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

test("calls that the server has not taken fail as unsent; the others go on", async () => {
  const { client, peer } = clientAndPeer();
  const { goingAway } = client;
  const calls = [1, 2, 3, 4].map((i) => outcome(client.unary(body(i))));
  const requests = await peer.take(4);
  assertEquals([client.isAlive, goingAway.aborted], [true, false]);
  await peer.send(end(RESERVED + 2));
  for (const call of calls.slice(2)) {
    const error = await rpcError(call, "connection-closed");
    assertEquals(error.sent, false);
  }
  assertEquals([client.isAlive, client.inFlight, goingAway.aborted], [false, 2, true]);
  assertInstanceOf(goingAway.reason, RpcError);
  const refusedHere = await rpcError(outcome(client.unary(body("late"))), "connection-closed");
  assertEquals(refusedHere.sent, false);

  await peer.send(...requests.slice(0, 2).map(({ id }) => normal(id, "answer")));
  for (const call of calls.slice(0, 2)) assertEquals((await soon(call, "it")).kind, "value");
  assertEquals(await closeClient(client, peer), []);
});

test("requests are counted in the order of sending, whatever was given up before", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const never = outcome(client.unary(body("never sent"), controller));
  const unencodable = outcome(client.unary(body(1n)));
  const first = outcome(client.unary(body("first")));
  const second = outcome(client.unary(body("second")));
  controller.abort();
  const [{ id }] = await peer.take(2) as [Message, Message];
  await peer.send(end(RESERVED + 1), normal(id));
  assertEquals((await soon(first, "the first")).kind, "value");
  assertEquals((await rpcError(second, "connection-closed")).sent, false);
  await Promise.all([never, unencodable]);
  assertEquals(await closeClient(client, peer), []);
});

test("requests that wait for room are never sent to a server that goes away", async () => {
  const { client, peer } = clientAndPeer({}, { capacity: 1 });
  const calls = Array.from({ length: 50 }, () => outcome(client.unary(body("x".repeat(65536)))));
  const { id } = await peer.next();
  await peer.send(end(RESERVED + 1));
  for (const call of calls.slice(1)) {
    assertEquals((await rpcError(call, "connection-closed")).sent, false);
  }
  await peer.send(normal(id));
  assertEquals((await soon(calls[0]!, "the first")).kind, "value");
  await closeClient(client, peer);
});

test("a stream in flight goes on, and its reader can learn of it, also late", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("stream"));
  const { id } = await peer.next();
  await peer.send(normal(id, 1), end(RESERVED + 1), normal(id, 2), end(id));
  const items: unknown[] = [];
  for await (const item of stream) items.push(item.body);
  assertEquals(items, [1, 2]);
  assert(client.goingAway.aborted);
  assertEquals(await closeClient(client, peer), []);
});

for (const way of ["abort", "close", "drain"] as const) {
  test(`goingAway fires at this end's ${way}(), too`, async () => {
    const { client, peer } = clientAndPeer();
    const fired = deferred();
    client.goingAway.addEventListener("abort", () => fired.resolve());
    void client[way]();
    await soon(fired.promise, "the signal");
    assertEquals(client.isAlive, false);
    peer.abort();
  });
}

test("a server that drains says how many requests it has taken, and begins no more", async () => {
  const { connection, peer, answers, contexts } = slowServer();
  // From a client that announces itself.
  await peer.send(end(RESERVED + 1000), normal(2), normal(4), normal(6, "fence"));
  assertEquals(await peer.next(), normal(6));
  const drained = connection.drain();
  await peer.send(normal(8), normal(10));
  answers.get(2)!.resolve(body("a"));
  answers.get(4)!.resolve(body("b"));
  assertEquals(await peer.rest(), [normal(2, "a"), normal(4, "b")]);
  await peer.end();
  await soon(drained, "the end");
  assertEquals([peer.reserved, contexts.length], [[3], 2]);
});

test("a client that has not announced itself hears a Cancel of what comes late", async () => {
  const { connection, peer, answers } = slowServer();
  await peer.send(normal(1), normal(2, "fence"));
  assertEquals(await peer.next(), normal(2));
  const drained = connection.drain();
  await peer.send(normal(3));
  assertEquals(await peer.next(), cancel(3));
  answers.get(1)!.resolve(body("fine"));
  assertEquals(await peer.rest(), [normal(1, "fine")]);
  await peer.end();
  await soon(drained, "the end");
  assertEquals(peer.reserved, [2]);
});

test("a request that waits at the bound is not begun by a server that drains", async () => {
  const begun: unknown[] = [];
  const gate = deferred();
  const { connection, peer } = serverAndPeer(async ({ id }) => {
    begun.push(id);
    await gate.promise;
    return body("fine");
  }, { maxConcurrentRpcs: 1 });
  await peer.send(end(RESERVED + 1000), normal(2), normal(4));
  const drained = connection.drain();
  gate.resolve();
  assertEquals(await peer.rest(), peer.reserved[0] === 0 ? [] : [normal(2, "fine")]);
  await peer.end();
  await soon(drained, "the end");
  assertEquals(begun, [2].slice(0, peer.reserved[0]));
});

test("a connection that its server closes says it, too", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) => body(asked));
  await peer.send(end(RESERVED + 1000), normal(2, "a"));
  assertEquals(await peer.next(), normal(2, "a"));
  const closed = connection.close();
  assertEquals(await peer.rest(), []);
  await peer.end();
  await soon(closed, "the end");
  assertEquals(peer.reserved, [1]);
});

test("ids without room for it: nothing is said, and late requests are refused", async () => {
  const small = {
    ...messages.response,
    ended: (id: number | bigint) => end(Number(id) % 2 ** 32),
  };
  const { connection, peer, contexts, answers } = slowServer({
    messages: { request: messages.request, response: small },
  });
  await peer.send(end(RESERVED + 1000), normal(2), normal(4, "fence"));
  assertEquals(await peer.next(), normal(4));
  const drained = connection.drain();
  await peer.send(normal(6));
  assertEquals(await peer.next(), cancel(6));
  answers.get(2)!.resolve(body("fine"));
  assertEquals(await peer.rest(), [normal(2, "fine")]);
  await peer.end();
  await soon(drained, "the end");
  assertEquals([peer.reserved, contexts.length], [[], 1]);
});

test("a request that was cancelled before it was begun counts as taken", async () => {
  const gates = [deferred(), deferred()];
  const begun: unknown[] = [];
  const { connection, peer } = serverAndPeer(async ({ body: asked }) => {
    await gates[begun.push(asked) - 1]!.promise;
    return body(asked);
  }, { maxConcurrentRpcs: 1 });
  await peer.send(end(RESERVED + 1000), normal(2, "a"), normal(4, "b"), normal(6, "c"), cancel(4));
  gates[0]!.resolve();
  assertEquals(await peer.take(2), [normal(2, "a"), cancel(4)]);
  connection.drain();
  gates[1]!.resolve();
  assertEquals(await peer.next(), normal(6, "c"));
  await Promise.all([peer.rest(), peer.end()]);
  assertEquals([begun, peer.reserved], [["a", "c"], [3]]);
});

test("a server goes away once: what it says after that changes nothing", async () => {
  const { client, peer } = clientAndPeer();
  const calls = [1, 2].map((i) => outcome(client.unary(body(i))));
  const requests = await peer.take(2);
  await peer.send(end(RESERVED + 2), end(RESERVED + 1), end(RESERVED));
  await peer.send(...requests.map(({ id }) => normal(id, "answer")));
  for (const call of calls) assertEquals((await soon(call, "it")).kind, "value");
  assertEquals(await closeClient(client, peer), []);
});
