// Streams that are read slowly or not at all, of a server that does not wait for their readers.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  type Message,
  normal,
  rpcError,
} from "../../support/rpc.ts";
import { quiet } from "../../support/quiet.ts";
import { outcome, soon } from "../../support/within.ts";

/** An item too large for more than a few to be on their way. */
const LARGE = "x".repeat(64 * 1024);
/** Such a window is full with one of them. */
const WINDOW = 64 * 1024;

/** A client that reads a stream of ever so many items slowly or not at all. */
async function slowReader(windows: number, items: number) {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: windows * WINDOW }, { capacity: 1 });
  const stream = client.streaming(body("stream"));
  const id = (await peer.next()).id as number;
  let sent = 0;
  const sending = outcome((async () => {
    for (; sent < items; sent++) await peer.send(normal(id, LARGE));
    await peer.send(end(id));
  })());
  return { client, peer, stream, id, sending, sent: () => sent };
}

/** Without what lets a server of this package go on. */
function withoutGrants(messages: Message[]): Message[] {
  return messages.filter(({ code }) => code !== 2);
}

for (const max of [1, 8]) {
  test(`a reader ${max} items behind stops the peer, and loses nothing`, async () => {
    const { client, peer, stream, sending, sent } = await slowReader(max, 100);
    const stopped = await quiet(sent);
    assert(stopped < max + 8, `${stopped} items were taken, of which nobody has read one`);

    let count = 0;
    for await (const item of stream) {
      assertEquals(item.body, LARGE);
      count++;
      assert(sent() < count + max + 8, `${sent()} items were taken, and ${count} read`);
    }
    assertEquals(count, 100);
    assertEquals((await sending).kind, "value");
    assertEquals(withoutGrants(await closeClient(client, peer)), []);
  });
}

test("after a stop the connection reads on when half of the items have been read", async () => {
  const { client, stream, sent } = await slowReader(8, 100);
  const stopped = await quiet(sent);
  // One item more than the window has room for.
  for (let read = 0; read < 5; read++) await stream.next();
  assertEquals(await quiet(sent), stopped);
  await stream.next();
  assert(await quiet(sent) > stopped);
  client.abort();
});

test("a call that begins while a stream has stopped the connection fails that stream alone", async () => {
  const { client, peer, stream, id, sending, sent } = await slowReader(4, 100);
  await quiet(sent);
  const call = client.unary(body("call"));
  assertEquals(client.inFlight, 1);
  assertEquals((await sending).kind, "value");
  assertEquals(await peer.next(), cancel(id));
  const { id: other } = await peer.next();
  await peer.send(normal(other, "answer"));
  assertEquals((await soon(call, "the answer")).body, "answer");

  // What had come before is still there to be read.
  for (let i = 0; i < 5; i++) assertEquals((await stream.next()).value?.body, LARGE);
  const error = await rpcError(outcome(stream.next()), "stream-overflow");
  assertEquals(error.id, id);
  assertMatch(error.message, /more than maxBufferedBytes, 262144 bytes, behind/);
  assertEquals(await closeClient(client, peer), []);
});

test("a stream that overflows beside a call fails alone, and its neighbours go on", async () => {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: 1000 });
  const unread = client.streaming(body("unread"));
  const read = client.streaming(body("read"));
  const call = client.unary(body("call"));
  const [a, b, c] = (await peer.take(3)).map(({ id }) => id) as [number, number, number];
  const reading = (async () => {
    let count = 0;
    for await (const item of read) assertEquals(item.body, count++);
    return count;
  })();
  for (let i = 0; i < 1000; i++) await peer.send(normal(a, i), normal(b, i));
  await peer.send(end(a), end(b), normal(c, "answer"));
  assertEquals((await soon(call, "the answer")).body, "answer");
  assertEquals(await soon(reading, "the other stream"), 1000);
  assertEquals(withoutGrants(await closeClient(client, peer)), [cancel(a)]);
  let count = 0;
  const failure = outcome((async () => {
    for await (const item of unread) assertEquals(item.body, count++);
  })());
  await rpcError(failure, "stream-overflow");
  assert(count >= 10 && count < 20, `${count} items were kept`);
});

test("a reader that keeps up is granted half a window at a time", async () => {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: 1000 });
  const stream = client.streaming(body("stream"));
  const { id } = await peer.next();
  const item = normal(id, "x".repeat(100));
  await peer.send(...Array(20).fill(item), end(id));
  let bytes = 0;
  for await (const _ of stream) bytes += 64 + 1 + JSON.stringify(item).length + 2;
  const granted = await closeClient(client, peer);
  // Nothing is granted once the stream is complete.
  assert(granted.length <= Math.floor(bytes / 500), `${granted.length} grants`);
  assertEquals(granted, granted.map(() => end(id)));
});

test("leaving a stream that has stopped the connection lets it go on", async () => {
  const { client, peer, stream, id, sending, sent } = await slowReader(4, 100);
  await quiet(sent);
  await stream.return();
  await sending;
  const call = client.unary(body("call"));
  assertEquals(await peer.next(), cancel(id));
  await peer.send(normal((await peer.next()).id, "answer"));
  assertEquals((await soon(call, "the answer")).body, "answer");
  assertEquals(await closeClient(client, peer), []);
});

test("a stream given up while it has stopped the connection lets it go on", async () => {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: 100 });
  const controller = new AbortController();
  const stream = client.streaming(body("a"), controller);
  const id = (await peer.next()).id as number;
  await peer.send(...[1, 2, 3].map((i) => normal(id, i)), end(id));
  assertEquals(await quiet(() => client.inFlight), 1);
  const error = new Error("enough");
  controller.abort(error);
  // The caller's own signal does not wait for what had come before.
  assertEquals(await soon(outcome(stream.next()), "the stream's end"), { kind: "error", error });
  assertEquals(withoutGrants(await closeClient(client, peer)), [cancel(id)]);
});

for (const way of ["abort", "close"] as const) {
  test(`${way}() ends a connection that a stream has stopped`, async () => {
    const { client, peer, stream, sent } = await slowReader(4, 100);
    await quiet(sent);
    const closed = way === "abort" ? client.closed : client.close();
    if (way === "abort") client.abort();
    for (let i = 0; i < 4; i++) assertEquals((await stream.next()).value?.body, LARGE);
    await rpcError(
      outcome((async () => {
        for await (const _ of stream);
      })()),
      "connection-closed",
    );
    if (way === "close") peer.abort();
    await soon(closed, "the end");
  });
}

test("a stream that has stopped the connection fails when the connection is lost", async () => {
  const { client, peer, stream, sent } = await slowReader(4, 100);
  await quiet(sent);
  peer.abort();
  assertEquals((await soon(client.closed, "the end")).kind, "error");
  for (let i = 0; i < 4; i++) assertEquals((await stream.next()).value?.body, LARGE);
  await rpcError(
    outcome((async () => {
      for await (const _ of stream);
    })()),
    "connection-closed",
  );
});
