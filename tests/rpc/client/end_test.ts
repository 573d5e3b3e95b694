import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { ConnectionError, duplexPair, TransportError } from "@protosocket/protosocket";
import { RpcClient } from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  jsonCodec,
  type Message,
  messages,
  normal,
  rpcError,
} from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

/** The id of the first call, a stream. */
const UNREAD = 3;

/** Calls of each kind in flight: two unary, one stream that waits, one with an item unread. */
async function inFlight(client: RpcClient<Message, Message>, peer: { take(n: number): unknown }) {
  const unread = client.streaming(body("unread"));
  const calls = [
    outcome(client.unary(body("a"))),
    outcome(client.unary(body("b"))),
    outcome(client.streaming(body("c")).next()),
  ];
  await peer.take(4);
  return { calls, unread };
}

/** What can no longer be done. */
async function assertDead(client: RpcClient<Message, Message>) {
  assertEquals([client.isAlive, client.inFlight], [false, 0]);
  assertEquals(
    (await rpcError(outcome(client.unary(body("x"))), "connection-closed")).id,
    undefined,
  );
  const stream = client.streaming(body("x"));
  await rpcError(outcome(stream.next()), "connection-closed");
  await stream.return();
  assertEquals(client.inFlight, 0);
}

test("a lost connection fails every call, with the transport's error as the cause", async () => {
  const { client, peer } = clientAndPeer();
  const { calls, unread } = await inFlight(client, peer);
  assertEquals([client.isAlive, client.inFlight], [true, 4]);
  await peer.send(normal(UNREAD, "item"));
  assertEquals((await unread.next()).value?.body, "item");
  peer.abort();

  const reason = await soon(client.closed, "the end");
  assert(reason.kind === "error");
  assertInstanceOf(reason.error, TransportError);
  assertEquals(reason.error.code, "reset");
  for (const call of [...calls, outcome(unread.next())]) {
    assertStrictEquals((await rpcError(call, "connection-closed")).cause, reason.error);
  }
  await assertDead(client);
});

test("bytes that are no message fail every call with the decoder's error", async () => {
  const [here, there] = duplexPair();
  const client = new RpcClient(here, { codec: jsonCodec(), messages, maxBufferLength: 1000 });
  const call = outcome(client.unary(body("a")));
  const writer = there.writable.getWriter();
  await writer.write(new Uint8Array([0xe9, 0x07]));
  const { cause } = await rpcError(call, "connection-closed");
  assertInstanceOf(cause, ConnectionError);
  assertEquals(cause.code, "message-too-large");
  await assertDead(client);
});

test("a server that ends in order fails every call at once, without a cause", async () => {
  const { client, peer } = clientAndPeer();
  const { calls, unread } = await inFlight(client, peer);
  await peer.send(normal(UNREAD, "item"));
  await peer.end();
  for (const call of calls) {
    const error = await rpcError(call, "connection-closed");
    assertEquals("cause" in error, false);
  }
  assertEquals((await unread.next()).value?.body, "item");
  await rpcError(outcome(unread.next()), "connection-closed");
  await assertDead(client);
  assertEquals(await soon(client.closed, "the end"), { kind: "peer" });
  assertEquals(await peer.rest(), []);
});

test("a server that ends fails every call at once, also while requests are on their way", async () => {
  const { client, peer } = clientAndPeer({}, { capacity: 1 });
  const large = "x".repeat(64 * 1024);
  const calls = Array.from({ length: 50 }, () => outcome(client.unary(body(large))));
  await peer.end();
  // The peer has not read a single one yet.
  for (const call of calls) await rpcError(call, "connection-closed");
  await assertDead(client);
  await peer.rest();
  assertEquals(await soon(client.closed, "the end"), { kind: "peer" });
});

test("close() fails the calls in flight and cancels them at the server", async () => {
  const { client, peer } = clientAndPeer();
  const { calls, unread } = await inFlight(client, peer);
  const closed = client.close();
  for (const call of [...calls, outcome(unread.next())]) {
    assertEquals("cause" in await rpcError(call, "connection-closed"), false);
  }
  await assertDead(client);
  assertEquals(await peer.rest(), [UNREAD, 4, 6, 9].map(cancel));
  await peer.end();
  assertEquals(await soon(closed, "the end"), { kind: "local" });
});

test("close() right after the calls: nothing is sent", async () => {
  const { client, peer } = clientAndPeer();
  const calls = [1, 2, 3].map((i) => outcome(client.unary(body(i))));
  assertEquals(await closeClient(client, peer), []);
  for (const call of calls) assertEquals((await rpcError(call, "connection-closed")).sent, false);
});

test("close() while a peer is slow: what waits is never sent, what has left is cancelled", async () => {
  const { client, peer } = clientAndPeer({}, { capacity: 1 });
  const large = "x".repeat(64 * 1024);
  const calls = Array.from({ length: 100 }, () => outcome(client.unary(body(large))));
  const sent = await closeClient(client, peer);
  for (const call of calls) await rpcError(call, "connection-closed");
  const requests = sent.filter(({ code }) => code === 0).map(({ id }) => id);
  const cancels = sent.filter(({ code }) => code === 1).map(({ id }) => id);
  assert(requests.length < 30, `${requests.length} requests were sent after the end`);
  assertEquals(cancels, requests);
});

test("abort() fails the calls in flight with its reason, and sends no more", async () => {
  const { client, peer } = clientAndPeer();
  const { calls, unread } = await inFlight(client, peer);
  const why = new Error("enough");
  client.abort(why);
  for (const call of [...calls, outcome(unread.next())]) {
    const { cause } = await rpcError(call, "connection-closed");
    assertInstanceOf(cause, ConnectionError);
    assertEquals(cause.code, "aborted");
    assertStrictEquals(cause.cause, why);
  }
  await assertDead(client);
  assertEquals((await outcome(peer.rest())).kind, "error");
});

test("ending again does nothing", async () => {
  const { client, peer } = clientAndPeer();
  const [once, twice] = [client.close(), client.close()];
  await Promise.all([peer.rest(), peer.end()]);
  assertEquals(await soon(Promise.all([once, twice]), "the ends"), [{ kind: "local" }, {
    kind: "local",
  }]);
  client.abort();
  client.abort();
  assertEquals(await client.close(), { kind: "local" });

  const aborted = clientAndPeer().client;
  aborted.abort("first");
  aborted.abort("second");
  const reason = await soon(aborted.close(), "the end");
  assertEquals(reason.kind === "error" && reason.error.cause, "first");
});

test("await using closes in order", async () => {
  const { client, peer } = clientAndPeer();
  const call = (async () => {
    await using using = client;
    return outcome(using.unary(body("a")));
  })();
  const [rest] = await Promise.all([peer.rest(), peer.end()]);
  await rpcError(call, "connection-closed");
  assertEquals(rest, []);
  assertEquals(await soon(client.closed, "the end"), { kind: "local" });
});

test("a server that does not end is disconnected after drainTimeout", async () => {
  const { client } = clientAndPeer({ drainTimeout: 20 });
  const call = outcome(client.unary(body("a")));
  const closed = client.close();
  await rpcError(call, "connection-closed");
  assertEquals(await soon(closed, "the end"), { kind: "local" });
});

test("calls that wait for room in the queue fail with the connection", async () => {
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 2 }, { capacity: 1 });
  const large = "x".repeat(64 * 1024);
  const calls = Array.from({ length: 50 }, () => outcome(client.unary(body(large))));
  peer.abort();
  for (const call of calls) {
    assertInstanceOf((await rpcError(call, "connection-closed")).cause, TransportError);
  }
  await assertDead(client);
});
