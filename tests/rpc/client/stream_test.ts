import { assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import type { RpcStream } from "@protosocket/protosocket/rpc";
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
import { outcome, soon } from "../../support/within.ts";

async function bodies(stream: AsyncIterable<Message>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of stream) all.push(item.body);
  return all;
}

test("items come in order, and then the end", async () => {
  const { client, peer } = clientAndPeer();
  const all = bodies(client.streaming(body("a")));
  const { id } = await peer.next();
  const items = Array.from({ length: 1000 }, (_, i) => i);
  await peer.send(...items.map((i) => normal(id, i)), end(id));
  assertEquals(await soon(all, "the stream"), items);
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

test("a stream may be empty", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("a"));
  await peer.send(end((await peer.next()).id));
  assertEquals(await soon(bodies(stream), "the stream"), []);
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(await closeClient(client, peer), []);
});

test("streams and unary calls share a connection", async () => {
  const { client, peer } = clientAndPeer();
  const all = [bodies(client.streaming(body("a"))), bodies(client.streaming(body("b")))];
  const unary = client.unary(body("c"));
  const [a, b, c] = await peer.take(3);
  await peer.send(normal(a!.id, 1), normal(b!.id, 2), normal(c!.id, 3), end(b!.id));
  await peer.send(normal(a!.id, 4), end(a!.id));
  assertEquals(await soon(Promise.all(all), "the streams"), [[1, 4], [2]]);
  assertEquals((await unary).body, 3);
  assertEquals(await closeClient(client, peer), []);
});

const WAYS_TO_LEAVE: Record<string, (stream: RpcStream<Message>) => Promise<void>> = {
  async break(stream) {
    for await (const item of stream) if (item.body === 2) break;
  },
  async throw(stream) {
    const left = (async () => {
      for await (const _ of stream) throw new Error("no more");
    })();
    assertEquals((await outcome(left)).kind, "error");
  },
  async "return()"(stream) {
    await stream.next();
    assertEquals(await stream.return(), { done: true, value: undefined });
    await stream.return();
  },
  async "await using"(stream) {
    await using disposed = stream;
    await disposed.next();
  },
  async "return() while a next() waits"(stream) {
    await stream.next();
    await stream.next();
    const waiting = [stream.next(), stream.next()];
    await stream.return();
    for (const next of waiting) assertEquals((await soon(next, "the end")).done, true);
  },
};

for (const [name, leave] of Object.entries(WAYS_TO_LEAVE)) {
  test(`a stream left by ${name} is cancelled, once`, async () => {
    const { client, peer } = clientAndPeer();
    const stream = client.streaming(body("a"));
    const { id } = await peer.next();
    await peer.send(normal(id, 1), normal(id, 2));
    await soon(leave(stream), "leaving");
    assertEquals(client.inFlight, 0);
    await peer.send(normal(id, 3), end(id));
    assertEquals(await stream.next(), { done: true, value: undefined });
    assertEquals(await closeClient(client, peer), [cancel(id)]);
  });
}

test("leaving a stream that has ended sends nothing", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("a"));
  const { id } = await peer.next();
  await peer.send(normal(id, 1), normal(id, 2), end(id));
  await stream.next();
  // The answer to a call is behind the end.
  const fence = client.unary(body("b"));
  await peer.send(normal((await peer.next()).id));
  await soon(fence, "the answer");
  await stream.return();
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(await closeClient(client, peer), []);
});

test("several readers get an item each, and then the end", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("a"));
  const reads = Promise.all(Array.from({ length: 5 }, () => stream.next()));
  const { id } = await peer.next();
  await peer.send(normal(id, 1), normal(id, 2), normal(id, 3), end(id));
  const results = await soon(reads, "the reads");
  assertEquals(results.map(({ value }) => value?.body), [1, 2, 3, undefined, undefined]);
  assertEquals(results.map(({ done }) => done), [false, false, false, true, true]);
  assertEquals(await closeClient(client, peer), []);
});

test("one of several readers gets the failure, and the others see the end", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("a"));
  const [first, second, third] = [1, 2, 3].map(() => outcome(stream.next()));
  const { id } = await peer.next();
  await peer.send(normal(id, 1), cancel(id));
  assertEquals((await first!).kind, "value");
  await rpcError(second!, "cancelled");
  assertEquals(await third, { kind: "value", value: { done: true, value: undefined } });
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(await closeClient(client, peer), []);
});

test("a stream that an observer leaves as it is given up has ended", async () => {
  const controller = new AbortController();
  const rpcObserver = { onRpc: () => () => void stream.return() };
  const { client, peer } = clientAndPeer({ rpcObserver });
  const stream: RpcStream<Message> = client.streaming(body("a"), controller);
  controller.abort(new Error("given up"));
  assertEquals(await soon(stream.next(), "the end"), { done: true, value: undefined });
  assertEquals(await closeClient(client, peer), []);
});

test("items that came before a failure are read before it", async () => {
  const { client, peer } = clientAndPeer();
  const stream = client.streaming(body("a"));
  const { id } = await peer.next();
  await peer.send(normal(id, 1), normal(id, 2), cancel(id));
  // The answer to a call is behind all that.
  const fence = client.unary(body("b"));
  await peer.send(normal((await peer.next()).id));
  await soon(fence, "the answer");
  assertEquals([(await stream.next()).value?.body, (await stream.next()).value?.body], [1, 2]);
  assertEquals((await rpcError(outcome(stream.next()), "cancelled")).id, id);
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(await closeClient(client, peer), []);
});

test("a signal ends the loop with its reason", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const all = outcome(bodies(client.streaming(body("a"), controller)));
  const { id } = await peer.next();
  await peer.send(normal(id, 1));
  controller.abort(new Error("enough"));
  const result = await soon(all, "the loop's end");
  assertStrictEquals(result.kind === "error" && result.error, controller.signal.reason);
  assertEquals(await closeClient(client, peer), [cancel(id)]);
});

test("a reader that is slow is told at once of its own signal: what had arrived is dropped", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const stream = client.streaming(body("a"), { signal: controller.signal });
  const { id } = await peer.next();
  await peer.send(normal(id, 1), normal(id, 2), normal(id, 3));
  assertEquals((await soon(stream.next(), "an item")).value?.body, 1);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await soon(outcome(stream.next()), "the error"), { kind: "error", error: reason });
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals((await peer.next()).code, cancel(id).code);
  assertEquals(await closeClient(client, peer), []);
});
