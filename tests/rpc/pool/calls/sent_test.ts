// Which errors say that a request was not sent.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  normal,
  rpcError,
} from "../../../support/rpc.ts";
import { outcome, soon } from "../../../support/within.ts";

const LARGE = "x".repeat(64 * 1024);

test("sent: a call on a connection that has ended was not sent", async () => {
  const { client, peer } = clientAndPeer();
  await closeClient(client, peer);
  for (const call of [client.unary(body("x")), client.streaming(body("x")).next()]) {
    assertEquals((await rpcError(outcome<unknown>(call), "connection-closed")).sent, false);
  }
});

test("sent: when a connection breaks, what was encoded may have been sent, and nothing else", async () => {
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 4 }, { capacity: 1 });
  const calls = Array.from({ length: 20 }, () => outcome(client.unary(body(LARGE))));
  const { id } = await peer.next();
  peer.abort();
  const errors = await Promise.all(calls.map((call) => rpcError(call, "connection-closed")));
  const sent = errors.map((error) => error.sent);
  assertEquals([id, sent[0], sent.at(-1)], [2, true, false]);
  // They leave in order.
  assertEquals(sent, [...sent].sort((a, b) => Number(b) - Number(a)));
});

test("sent: when the server ends, what is still queued never leaves", async () => {
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 8 }, { capacity: 1 });
  const calls = Array.from({ length: 50 }, () => outcome(client.unary(body(LARGE))));
  const first = await peer.next();
  await peer.end();
  const errors = await Promise.all(calls.map((call) => rpcError(call, "connection-closed")));
  const rest = [first, ...await peer.rest()];
  assertEquals((await soon(client.closed, "the end")).kind, "peer");
  const arrived = new Set(rest.filter(({ code }) => code === 0).map(({ id }) => id));
  for (const { id, sent } of errors) {
    assert(typeof sent === "boolean");
    if (!sent) assert(!arrived.has(id!), `The request ${id} has arrived, and it was not sent`);
  }
  // What was queued is replaced by Cancels, which the server ignores.
  const cancels = rest.filter(({ code }) => code === 1).map(({ id }) => id);
  assert(cancels.every((id) => !arrived.has(id)));
  assert(errors.filter(({ sent }) => !sent).length >= 40);
});

test("sent: when this end closes, what has not left is not sent", async () => {
  const { client, peer } = clientAndPeer();
  const before = outcome(client.unary(body(1)));
  assertEquals(await peer.next(), normal(2, 1));
  const after = outcome(client.unary(body(2)));
  assertEquals(await closeClient(client, peer), [cancel(2)]);
  assertEquals((await rpcError(before, "connection-closed")).sent, true);
  assertEquals((await rpcError(after, "connection-closed")).sent, false);
});

test("sent: other errors leave it undefined", async () => {
  const { client, peer } = clientAndPeer();
  const calls = [client.unary(body("x")), client.unary(body(1n))].map(outcome);
  await peer.send(cancel((await peer.next()).id));
  assertEquals((await rpcError(calls[0]!, "cancelled")).sent, undefined);
  assertEquals((await rpcError(calls[1]!, "encode-failed")).sent, undefined);
  await closeClient(client, peer);
});
