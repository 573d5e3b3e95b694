import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { body, cancel, clientAndPeer, closeClient, end, normal, rpcError } from "../support/rpc.ts";
import { quiet } from "../support/quiet.ts";
import { outcome, soon } from "../support/within.ts";

/** An item too large for more than a few to be on their way. */
const LARGE = "x".repeat(64 * 1024);

/** A client that reads a stream of ever so many items slowly or not at all. */
async function slowReader(maxBufferedItems: number, items: number) {
  const { client, peer } = clientAndPeer({ maxBufferedItems }, { capacity: 1 });
  const stream = client.streaming(body("stream"));
  const neighbour = outcome(client.unary(body("unary")));
  const [id, other] = (await peer.take(2)).map((request) => request.id) as [number, number];
  let sent = 0;
  const sending = outcome((async () => {
    for (; sent < items; sent++) await peer.send(normal(id, LARGE));
    await peer.send(normal(other, "answer"), end(id));
  })());
  return { client, peer, stream, neighbour, id, sending, sent: () => sent };
}

for (const max of [1, 8]) {
  test(`a reader of ${max} at a time stops the peer, and loses nothing`, async () => {
    const { client, peer, stream, neighbour, sending, sent } = await slowReader(max, 100);
    const stopped = await quiet(sent);
    assert(stopped < max + 8, `${stopped} items were taken, of which nobody has read one`);
    assertEquals(client.inFlight, 2, "The neighbour's answer is behind what nobody reads");

    let count = 0;
    for await (const item of stream) {
      assertEquals(item.body, LARGE);
      count++;
      assert(sent() < count + max + 8, `${sent()} items were taken, and ${count} read`);
    }
    assertEquals(count, 100);
    const answer = await soon(neighbour, "the neighbour's answer");
    assert(answer.kind === "value");
    assertEquals((await sending).kind, "value");
    assertEquals(await closeClient(client, peer), []);
  });
}

test("after a stop the connection reads on when half of the items have been read", async () => {
  const { client, stream, sent } = await slowReader(8, 100);
  const stopped = await quiet(sent);
  for (let read = 0; read < 3; read++) await stream.next();
  assertEquals(await quiet(sent), stopped);
  await stream.next();
  assert(await quiet(sent) > stopped);
  client.abort();
});

test("leaving a stream that has stopped the connection lets it go on", async () => {
  const { client, peer, stream, neighbour, id, sending, sent } = await slowReader(4, 100);
  await quiet(sent);
  await stream.return();
  const answer = await soon(neighbour, "the neighbour's answer");
  assert(answer.kind === "value");
  await sending;
  assertEquals(await closeClient(client, peer), [cancel(id)]);
});

test("a stream given up while it has stopped the connection lets it go on", async () => {
  const { client, peer } = clientAndPeer({ maxBufferedItems: 2 });
  const controller = new AbortController();
  const stream = client.streaming(body("a"), controller);
  const neighbour = client.unary(body("b"));
  const [id, other] = (await peer.take(2)).map((request) => request.id) as [number, number];
  await peer.send(...[1, 2, 3].map((i) => normal(id, i)), normal(other, "answer"));
  assertEquals(await quiet(() => client.inFlight), 2);
  controller.abort(new Error("enough"));
  assertEquals((await soon(neighbour, "the neighbour's answer")).body, "answer");
  // What had come before is still there to be read.
  assertEquals([(await stream.next()).value?.body, (await stream.next()).value?.body], [1, 2]);
  assertEquals((await outcome(stream.next())).kind, "error");
  assertEquals(await closeClient(client, peer), [cancel(id)]);
});

for (const way of ["abort", "close"] as const) {
  test(`${way}() ends a connection that a stream has stopped`, async () => {
    const { client, peer, stream, neighbour, sent } = await slowReader(4, 100);
    await quiet(sent);
    const closed = way === "abort" ? client.closed : client.close();
    if (way === "abort") client.abort();
    await rpcError(neighbour, "connection-closed");
    for (let i = 0; i < 4; i++) assertEquals((await stream.next()).value?.body, LARGE);
    await rpcError(outcome(stream.next()), "connection-closed");
    if (way === "close") peer.abort();
    await soon(closed, "the end");
  });
}

test("a stream that has stopped the connection fails when the connection is lost", async () => {
  const { client, peer, stream, neighbour, sent } = await slowReader(4, 100);
  await quiet(sent);
  peer.abort();
  await rpcError(neighbour, "connection-closed");
  assertEquals((await soon(client.closed, "the end")).kind, "error");
  for (let i = 0; i < 4; i++) assertEquals((await stream.next()).value?.body, LARGE);
  await rpcError(outcome(stream.next()), "connection-closed");
});
