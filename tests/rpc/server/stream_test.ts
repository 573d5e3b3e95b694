import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  end,
  endPeer,
  type Message,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { quiet } from "../../support/quiet.ts";
import { deferred, soon } from "../../support/within.ts";

/** A stream of what a generator gives: waited for item by item, or pulled. */
type Kind = (items: Generator<Message>) => AsyncGenerator<Message> | Generator<Message>;
const KINDS: Readonly<Record<string, Kind>> = {
  async: async function* (items) {
    yield* items;
  },
  pulled: (items) => items,
};

/** Registers a test for both kinds of stream. */
function both(name: string, run: (stream: Kind) => Promise<void>): void {
  for (const [kind, stream] of Object.entries(KINDS)) test(`${name}: ${kind}`, () => run(stream));
}

/** An item too large for more than a few to be on their way. */
const LARGE = "x".repeat(64 * 1024);

/** Items without an end. */
function* forever(): Generator<Message> {
  for (;;) yield body(LARGE);
}

both(
  "a peer that does not read: streams are asked a bounded number of times, then go on",
  async (stream) => {
    let asked = 0;
    const { connection, peer } = serverAndPeer(
      () =>
        stream(function* () {
          for (let i = 0; i < 500; i++) {
            asked++;
            yield body(LARGE);
          }
        }()),
      { maxQueuedMessages: 8 },
      { capacity: 1 },
    );
    await peer.send(normal(1), normal(2));
    const stopped = await quiet(() => asked);
    // What waits in the reactor, and what is on its way from there to the peer.
    assert(stopped <= 8 + 20, `${stopped} items were asked for, of which nobody has read one`);

    let read = 0;
    for (let ended = 0; ended < 2;) {
      if ((await peer.next()).code === 0) read++;
      else ended++;
      assert(asked <= read + 30, `${asked} items were asked for, and ${read} read`);
    }
    assertEquals([asked, read], [1000, 1000]);
    assertEquals(await endPeer(connection, peer), []);
  },
);

both("many streams at once: none is asked for much more than the others", async (stream) => {
  const { connection, peer } = serverAndPeer(
    () => stream(forever()),
    { maxQueuedMessages: 8 },
    { capacity: 1 },
  );
  const ids = Array.from({ length: 10 }, (_, i) => i + 1);
  await peer.send(...ids.map((id) => normal(id)));
  const received = new Map<unknown, number>();
  for (const { id } of await peer.take(1000)) received.set(id, (received.get(id) ?? 0) + 1);
  for (const id of ids) {
    const count = received.get(id) ?? 0;
    assert(count >= 50 && count <= 200, `Of 1000 items ${count} were those of one stream of ten`);
  }
  connection.abort();
});

both("a unary rpc is answered while streams keep the connection busy", async (stream) => {
  const { connection, peer } = serverAndPeer(
    ({ body: asked }) => {
      if (asked === "unary") return body("answer");
      return stream(forever());
    },
    { maxQueuedMessages: 8 },
    { capacity: 1 },
  );
  await peer.send(normal(1), normal(2));
  await peer.take(10);
  await peer.send(normal(3, "unary"));
  let before = 0;
  while ((await peer.next()).id !== 3) before++;
  assert(before < 50, `${before} items came before the answer`);
  connection.abort();
});

both("a stream that waits for room is left when it is cancelled", async (stream) => {
  const left = deferred();
  let asked = 0;
  const { connection, peer } = serverAndPeer(
    () =>
      stream(function* () {
        try {
          for (;; asked++) yield body(LARGE);
        } finally {
          left.resolve();
        }
      }()),
    { maxQueuedMessages: 4 },
    { capacity: 1 },
  );
  await peer.send(normal(1));
  await quiet(() => asked);
  await peer.send(cancel(1));
  await soon(left.promise, "the generator to be left");
  const answers = await endPeer(connection, peer);
  assertEquals(answers.at(-1), cancel(1));
  assertEquals(answers.filter(({ code }) => code !== 0).length, 1);
});

both("a stream that waits for room is left when the connection is lost", async (stream) => {
  const left = deferred();
  let asked = 0;
  const { connection, peer } = serverAndPeer(
    () =>
      stream(function* () {
        try {
          for (;; asked++) yield body(LARGE);
        } finally {
          left.resolve();
        }
      }()),
    { maxQueuedMessages: 4 },
    { capacity: 1 },
  );
  await peer.send(normal(1));
  await quiet(() => asked);
  peer.abort();
  await soon(left.promise, "the generator to be left");
  const stopped = asked;
  assertEquals((await soon(connection.closed, "the end")).kind, "error");
  assertEquals(await quiet(() => asked), stopped);
});

both("ten thousand short streams", async (stream) => {
  const { connection, peer } = serverAndPeer(({ id }) =>
    stream(function* () {
      for (let i = 0; i < Number(id) % 4; i++) yield body(i);
    }())
  );
  const ids = Array.from({ length: 10_000 }, (_, i) => i);
  const asking = peer.send(...ids.map((id) => normal(id)));
  const streams = ids.map((): Message[] => []);
  for (let ended = 0; ended < ids.length;) {
    const message = await peer.next();
    streams[Number(message.id)]!.push(message);
    if (message.code !== 0) ended++;
  }
  await asking;
  assertEquals(await endPeer(connection, peer), []);
  for (const id of ids) {
    const items = Array.from({ length: id % 4 }, (_, i) => normal(id, i));
    assertEquals(streams[id], [...items, end(id)]);
  }
});

test("an async handler may answer with a stream, which is left if it comes too late", async () => {
  const gate = deferred();
  const left = deferred();
  const { connection, peer } = serverAndPeer(async ({ body: asked }) => {
    if (asked === "late") await gate.promise;
    return {
      [Symbol.asyncIterator]: () => {
        const items = [body(1), body(2)].values();
        return {
          next: () => Promise.resolve(items.next()),
          return: () => {
            left.resolve();
            return Promise.resolve({ done: true, value: undefined });
          },
        };
      },
    } as AsyncIterable<Message>;
  });
  await peer.send(normal(1));
  assertEquals(await peer.take(3), [normal(1, 1), normal(1, 2), end(1)]);
  await peer.send(normal(2, "late"), cancel(2));
  assertEquals(await peer.next(), cancel(2));
  gate.resolve();
  await soon(left.promise, "the stream to be left");
  assertEquals(await endPeer(connection, peer), []);
});

test("a promise of a generator's iterator is a stream, too; an array is one answer", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) =>
    Promise.resolve(asked === "stream" ? [body(1), body(2)].values() : body([1, 2]))
  );
  await peer.send(normal(1, "stream"), normal(2));
  assertEquals(await peer.take(4), [normal(2, [1, 2]), normal(1, 1), normal(1, 2), end(1)]);
  assertEquals(await endPeer(connection, peer), []);
});

both(
  "a stream that throws is cancelled, after the items before, and no other is",
  async (stream) => {
    const told: unknown[] = [];
    const { connection, peer } = serverAndPeer(
      ({ body: asked }) =>
        stream(function* () {
          yield body(1);
          if (asked === "bad") throw new Error("enough");
          yield body(2);
        }()),
      { onError: (error) => void told.push((error as Error).message) },
    );
    await peer.send(normal(1, "bad"), normal(2));
    const answers = await peer.take(5);
    const of = (id: number) => answers.filter((answer) => answer.id === id);
    assertEquals(of(1), [normal(1, 1), cancel(1)]);
    assertEquals(of(2), [normal(2, 1), normal(2, 2), end(2)]);
    assertEquals(told, ["enough"]);
    assertEquals(await endPeer(connection, peer), []);
  },
);

both("a server drains when its streams have come to their ends", async (stream) => {
  const { connection, peer } = serverAndPeer(() =>
    stream(function* () {
      for (let i = 0; i < 1000; i++) yield body(i);
    }())
  );
  await peer.send(normal(1));
  assertEquals(await peer.next(), normal(1, 0));
  const drained = connection.drain();
  assertEquals((await peer.take(1000)).at(-1), end(1));
  assertEquals(await peer.rest(), []);
  await peer.end();
  assertEquals(await soon(drained, "the end"), { kind: "local" });
});

test("a pulled stream has its share beside others that are faster than the network", async () => {
  const endless = body(LARGE);
  const { connection, peer } = serverAndPeer(({ id }) =>
    id === 1
      ? (async function* () {
        for (;;) yield { ...endless };
      })()
      : (function* () {
        for (let i = 0; i < 20; i++) yield { ...endless };
      })()
  );
  await peer.send(normal(1), normal(2));
  let seen = 0;
  for (let message = await peer.next(); message.code !== 2; message = await peer.next()) {
    assert(++seen < 1000, "the other stream is all that there is");
  }
  connection.abort();
});
