// Streams of requests: what goes over the wire, who waits for whom, and how each of them ends.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { RpcError } from "@protosocket/protosocket/rpc";
import { quiet } from "../../support/quiet.ts";
import {
  body,
  clientAndPeer,
  closeClient,
  end,
  endPeer,
  type Message,
  normal,
  RESERVED,
  rpcError,
  serverAndPeer,
} from "../../support/rpc.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

const QUESTION = RESERVED + 2 ** 41;
const LAST = RESERVED + 2 ** 50;
const ITEM = RESERVED + 2 ** 51;
const item = (id: number, value: unknown): Message => ({ ...end(ITEM + id), body: value });

test("a client asks once, sends nothing before it may, and then items and the half-close", async () => {
  const { client, peer } = clientAndPeer();
  let made = 0;
  const requests = (function* () {
    for (const text of ["a", "b"]) {
      made++;
      yield body(text);
    }
  })();
  const call = client.unary(body("open"), { requests });
  const { id } = await peer.next();
  assertEquals(peer.reserved.slice(-1), [QUESTION - RESERVED]);
  await peer.send(end(QUESTION + 1000));
  assertEquals(made, 0);
  await peer.send(end(ITEM + Number(id)));
  assertEquals(await peer.take(3), [
    item(Number(id), "a"),
    item(Number(id), "b"),
    end(LAST + Number(id)),
  ]);
  await peer.send(normal(id, "done"));
  assertEquals((await soon(call, "the answer")).body, "done");
  assertEquals(await closeClient(client, peer), []);
});

test("a client sends no more than the window, and half of it for each credit", async () => {
  const { client, peer } = clientAndPeer();
  let made = 0;
  const requests = (function* () {
    for (;; made++) yield body("x");
  })();
  const stream = client.streaming(body("open"), { requests });
  const { id } = await peer.next();
  // Each item counts for 64 more than its size on the wire, and that is at least 10.
  await peer.send(end(QUESTION + 300), end(ITEM + Number(id)));
  const first = await peer.next();
  assertEquals(first, item(Number(id), "x"));
  await peer.send(normal(id, "barrier"));
  await soon(stream.next(), "an item");
  assert(made > 1 && made < 6, `${made} were made`);
  const before = made;
  await peer.send(end(ITEM + Number(id)), normal(id, "barrier"));
  await soon(stream.next(), "an item");
  while (made === before) await new Promise((resolve) => setTimeout(resolve, 1));
  // No more are wanted: the source is left.
  await peer.send(end(LAST + Number(id)), end(id));
  assertEquals((await soon(stream.next(), "the end")).done, true);
  assertEquals(requests.next().done, true);
  client.abort();
});

test("a credit that comes while an item waits for room to send loses none", async () => {
  const { client, peer } = clientAndPeer({}, { capacity: 1000 });
  const text = "x".repeat(10_000);
  const count = 40;
  let made = 0;
  const requests = (async function* () {
    while (made < count) yield body([made++, text]);
  })();
  const call = client.unary(body("open"), { requests });
  const id = Number((await peer.next()).id);
  await peer.send(end(QUESTION + 2 ** 24), end(ITEM + id));
  // The peer does not read, so there soon is no room.
  const before = await quiet(() => made);
  assert(before < count, "all of them were made");
  for (let credits = 0; credits < 3; credits++) {
    await peer.send(end(ITEM + id));
    assertEquals(await quiet(() => made), before);
  }
  const got = (await peer.take(count)).map(({ body }) => (body as [number])[0]);
  assertEquals(got, Array.from({ length: count }, (_, i) => i));
  assertEquals(await peer.next(), end(LAST + id));
  await peer.send(normal(id, "done"));
  assertEquals((await soon(call, "the answer")).body, "done");
  assertEquals(await closeClient(client, peer), []);
});

test("a stream that always has an item does not keep other calls, or streams, waiting", async () => {
  // An item of 70,000 is more than a write by itself.
  for (const size of [1, 70_000]) {
    const { client, peer } = clientAndPeer();
    const until = async (isIt: (message: Message) => boolean): Promise<Message> => {
      for (let count = 0; count < 30_000; count++) {
        const message = await peer.next();
        if (isIt(message)) return message;
      }
      throw new Error("It waits for the items of others");
    };
    const open = async (text: string) => {
      const requests = (function* () {
        for (;;) yield body(text.repeat(size));
      })();
      client.streaming(body("open"), { requests });
      return ITEM + Number((await until(({ body }) => body === "open")).id);
    };
    const a = await open("a");
    await peer.send(end(QUESTION + 2 ** 39), end(a));
    assertEquals((await peer.next()).id, a);
    const b = await open("b");
    await peer.send(end(b));
    client.unary(body("call")).catch(() => {});
    await until(({ body }) => body === "call");
    await until(({ id }) => id === b);
    await until(({ id }) => id === a);
    client.abort();
  }
});

test("a source that ends its own call is left, and nothing more is sent of it", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const left = deferred<void>();
  const requests = (function* () {
    try {
      yield body("a");
      controller.abort();
      yield body("b");
    } finally {
      left.resolve();
    }
  })();
  const call = client.unary(body("open"), { requests, signal: controller.signal });
  const { id } = await peer.next();
  await peer.send(end(QUESTION + 1000), end(ITEM + Number(id)));
  assertEquals(await outcome(call), { kind: "error", error: controller.signal.reason });
  await soon(left.promise, "the source to be left");
  const { id: _, ...rest } = await peer.next();
  assertEquals([rest.body, (await closeClient(client, peer)).length], ["a", 1]);
});

test("a server that does not know such streams: unsupported, and cancelled", async () => {
  const { client, peer } = clientAndPeer();
  const call = outcome(client.unary(body("open"), { requests: [body("a")] }));
  const { id } = await peer.next();
  await peer.send(normal(id, "an answer to the opening"));
  await rpcError(call, "unsupported");
  assertEquals(await peer.next(), { id, code: 1 });
  client.abort();
});

test("a server answers the question, and gives credit when its handler reads", async () => {
  const read = deferred();
  const { connection, peer } = serverAndPeer(async (_, context) => {
    await read.promise;
    const texts: unknown[] = [];
    for await (const { body } of context.requests()) texts.push(body);
    return body(texts);
  }, { maxBufferedBytes: 500 });
  await peer.send(end(QUESTION), normal(2, "open"));
  read.resolve();
  assertEquals(await peer.next(), end(ITEM + 2));
  assertEquals(peer.reserved, [QUESTION - RESERVED + 500]);
  await peer.send(item(2, "a"), item(2, "b"), item(4, "of nobody"), end(LAST + 2));
  assertEquals(await peer.next(), normal(2, ["a", "b"]));
  assertEquals(await endPeer(connection, peer), []);
});

test("a client that has not asked sends no such streams: the handler's has ended", async () => {
  const { connection, peer } = serverAndPeer(async (_, context) => {
    return body((await context.requests().next()).done);
  });
  await peer.send(normal(2, "open"));
  assertEquals(await peer.next(), normal(2, true));
  assertEquals(await endPeer(connection, peer), []);
});

test("an RPC whose id has no room for such streams has none, as of who has not asked", async () => {
  const ids = [2 ** 50 - 1, 2 ** 50, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 64n - 1n];
  const { connection, peer, errors } = serverAndPeer(async (_, context) => {
    let text = "";
    for await (const { body } of context.requests()) text += body;
    return body(text);
  });
  await peer.send(end(QUESTION), ...ids.map((id) => normal(id, "open")));
  // The highest of those that have room.
  assertEquals(await peer.next(), end(ITEM + 2 ** 50 - 1));
  for (const id of ids.slice(1)) assertEquals(await peer.next(), normal(id, ""));
  await peer.send(item(2 ** 50 - 1, "a"), end(LAST + 2 ** 50 - 1));
  assertEquals(await peer.next(), normal(2 ** 50 - 1, "a"));
  assertEquals(errors, []);
  assertEquals(await endPeer(connection, peer), []);
});

test("more than the credit ends the connection", async () => {
  const { connection, peer } = serverAndPeer((_, context) => {
    context.requests();
    return new Promise<Message>(() => {});
  }, { maxBufferedBytes: 200 });
  await peer.send(end(QUESTION), normal(2, "open"));
  assertEquals(await peer.next(), end(ITEM + 2));
  await peer.send(...Array.from({ length: 4 }, () => item(2, "x")));
  const { kind, error } = await soon(connection.closed, "the end") as {
    kind: string;
    error?: { code: string };
  };
  assertEquals([kind, error?.code], ["error", "invalid-message"]);
});

test("what ends while a handler reads: a cancel, the connection, and the client's side", async () => {
  for (const how of ["cancel", "abort", "end"] as const) {
    const reading = deferred<unknown>();
    const { connection, peer } = serverAndPeer(async (_, context) => {
      try {
        await context.requests().next();
      } catch (error) {
        reading.resolve((error as RpcError).code);
      }
      return body("too late");
    });
    await peer.send(end(QUESTION), normal(2, "open"));
    assertEquals(await peer.next(), end(ITEM + 2));
    if (how === "cancel") await peer.send({ id: 2, code: 1 });
    if (how === "abort") connection.abort();
    if (how === "end") await peer.end();
    const code = await soon(reading.promise, `the failure, ${how}`);
    assertEquals(code, how === "cancel" ? "cancelled" : "connection-closed");
    connection.abort();
  }
});

test("a stream that the client has ended is cut off all the same, if the RPC ends before its reader", async () => {
  for (const how of ["cancel", "abort", "end"] as const) {
    const begun = deferred();
    const goOn = deferred();
    const read = deferred<unknown[]>();
    const { connection, peer } = serverAndPeer(async (_, context) => {
      const requests = context.requests();
      begun.resolve();
      await goOn.promise;
      const got: unknown[] = [];
      try {
        for await (const { body } of requests) got.push(body);
        got.push("complete");
      } catch (error) {
        got.push((error as RpcError).code);
      }
      // It is told once.
      got.push((await requests.next()).done);
      read.resolve(got);
      return body("an answer");
    });
    await peer.send(end(QUESTION), normal(2, "open"));
    await soon(begun.promise, "the handler");
    assertEquals(await peer.next(), end(ITEM + 2));
    await peer.send(item(2, "a"), end(LAST + 2));
    await quiet(() => connection.bytesReceived);
    if (how === "cancel") {
      await peer.send({ id: 2, code: 1 });
      assertEquals(await peer.next(), { id: 2, code: 1 });
    } else if (how === "abort") {
      connection.abort();
      await soon(connection.closed, "the end");
    } else {
      await peer.end();
    }
    goOn.resolve();
    const last = { cancel: "cancelled", abort: "connection-closed", end: "complete" }[how];
    assertEquals(await soon(read.promise, how), ["a", last, true]);
    connection.abort();
  }
});

test("requests that wait do not keep the items from a handler that reads", async () => {
  const { connection, peer } = serverAndPeer(async (_, context) => {
    const texts: unknown[] = [];
    for await (const { body } of context.requests()) texts.push(body);
    return body(texts);
  }, { maxConcurrentRpcs: 1 });
  await peer.send(end(QUESTION), normal(2, "open"));
  assertEquals(await peer.next(), end(ITEM + 2));
  // More than a server holds while it reads on for other reasons.
  const large = "x".repeat(600_000);
  for (let id = 4; id < 10; id += 2) await peer.send(normal(id, large));
  await peer.send(item(2, "a"), end(LAST + 2));
  assertEquals(await peer.next(), normal(2, ["a"]));
  connection.abort();
});

test("whoever still reads when the RPC has been answered comes to the end", async () => {
  const read = deferred<unknown>();
  const { connection, peer } = serverAndPeer((_, context) => {
    context.requests().next().then(read.resolve, read.reject);
    return body("an answer");
  });
  await peer.send(end(QUESTION), normal(2, "open"));
  assertEquals(await peer.take(2), [end(ITEM + 2), normal(2, "an answer")]);
  assertEquals(await soon(read.promise, "the end"), { done: true, value: undefined });
  assertEquals(await endPeer(connection, peer), []);
});

for (const kind of ["sync", "async"] as const) {
  test(`what is no message fails the call at once, and its ${kind} source is left`, async () => {
    const { client, peer } = clientAndPeer();
    let asked = 0;
    let left = false;
    function* source() {
      try {
        for (; asked < 100; asked++) yield undefined as unknown as Message;
      } finally {
        left = true;
      }
    }
    const requests = kind === "sync" ? source() : (async function* () {
      yield* source();
    })();
    const call = outcome(client.unary(body("open"), { requests }));
    const { id } = await peer.next();
    await peer.send(end(QUESTION + 1000));
    await peer.send(end(ITEM + Number(id)));
    const result = await soon(call, "the failure");
    assert(result.kind === "error" && result.error instanceof TypeError);
    assertEquals(
      result.error.message,
      "The further requests of a call must be messages, not undefined",
    );
    assertEquals([asked, left], [0, true]);
    await closeClient(client, peer);
  });
}

test("a handler may answer with the further requests themselves", async () => {
  const { connection, peer } = serverAndPeer((_, context) => context.requests());
  await peer.send(end(QUESTION), normal(3, "open"));
  assertEquals(await peer.next(), end(ITEM + 3));
  await peer.send(item(3, "a"), item(3, "b"), end(LAST + 3));
  assertEquals(await peer.take(3), [normal(3, "a"), normal(3, "b"), end(3)]);
  assertEquals(await endPeer(connection, peer), []);
});
