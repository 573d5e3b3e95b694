import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { body, cancel, clientAndPeer, closeClient, normal, rpcError } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

const LARGE = "x".repeat(16 * 1024);

test("if the signal has already fired, nothing is sent", async () => {
  const { client, peer } = clientAndPeer();
  const signal = AbortSignal.abort(new Error("too late"));
  await assertGivenUp(client.unary(body("a"), { signal }), signal.reason);
  await assertGivenUp(client.streaming(body("b"), { signal }).next(), signal.reason);
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

test("a signal that fires after sending: one Cancel, and a late answer is ignored", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const reason = { any: "value" };
  const unary = outcome(client.unary(body("a"), controller));
  const item = outcome(client.streaming(body("b"), controller).next());
  const requests = await peer.take(2);
  controller.abort(reason);
  controller.abort("again");
  assertEquals(client.inFlight, 0);
  for (const call of [unary, item]) assertStrictEquals((await rejection(call)).error, reason);

  assertEquals(await peer.take(2), requests.map(({ id }) => cancel(id)));
  await peer.send(...requests.map(({ id }) => normal(id, "late")));
  const next = client.unary(body("c"));
  const { id } = await peer.next();
  await peer.send(normal(id, "C"));
  assertEquals((await soon(next, "the next answer")).body, "C");
  assertEquals(await closeClient(client, peer), []);
});

test("a call given up while it waits for room in the queue is never sent", async () => {
  // Nobody reads, so that a few batches fill the transport and the rest has to wait.
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 4 }, { capacity: 1 });
  const kept = Array.from({ length: 100 }, () => outcome(client.unary(body(LARGE))));
  const controller = new AbortController();
  const call = client.unary(body("given up"), controller);
  const stream = client.streaming(body("left"));
  assertEquals(client.inFlight, 102);
  controller.abort(new Error("enough"));
  await assertGivenUp(call, controller.signal.reason);
  await stream.return();
  assertEquals(client.inFlight, 100);

  const requests = await peer.take(100);
  assert(requests.every(({ body }) => body === LARGE));
  await peer.send(...requests.map(({ id }) => normal(id)));
  await soon(Promise.all(kept), "the other answers");
  assertEquals(await closeClient(client, peer), []);
});

test("calls given up at once are never sent; those that have left are cancelled after that", async () => {
  // A Cancel that overtakes is for an id that the server does not know, and is lost.
  const { client, peer } = clientAndPeer({}, { capacity: 1 });
  const controllers = Array.from({ length: 100 }, () => new AbortController());
  const calls = controllers.map((controller) => outcome(client.unary(body(LARGE), controller)));
  const first = await peer.next();
  for (const controller of controllers) controller.abort();
  await Promise.all(calls);
  const sent = [first, ...await closeClient(client, peer)];
  const ids = (code: number) => sent.filter((one) => one.code === code).map(({ id }) => id);
  assertEquals(ids(1), ids(0));
  assert(ids(0).length < 20, `${ids(0).length} were sent`);
  const seen = new Set<unknown>();
  for (const { id, code } of sent) {
    if (code === 0) seen.add(id);
    else assert(seen.has(id), `The Cancel of ${id} came before its request`);
  }
});

test("an observer gives a call up as it begins: it is never sent", async () => {
  const controller = new AbortController();
  const rpcObserver = { onRpc: () => controller.abort("not this one") };
  const { client, peer } = clientAndPeer({ rpcObserver });
  const call = outcome(client.unary(body("a"), controller));
  assertEquals(client.inFlight, 0);
  assertEquals((await rejection(call)).error, "not this one");
  assertEquals(await closeClient(client, peer), []);
});

test("a timeout: deadline-exceeded, and one Cancel", async () => {
  const { client, peer } = clientAndPeer();
  const call = outcome(client.unary(body("a"), { timeout: 20 }));
  const { id } = await peer.next();
  assertEquals((await rpcError(call, "deadline-exceeded")).id, id);
  assertEquals(client.inFlight, 0);
  assertEquals(await peer.next(), cancel(id));

  const stream = client.streaming(body("b"), { timeout: 200 });
  const request = await peer.next();
  await peer.send(normal(request.id, "one"));
  assertEquals((await stream.next()).value?.body, "one");
  await rpcError(outcome(stream.next()), "deadline-exceeded");
  assertEquals(await closeClient(client, peer), [cancel(request.id)]);
});

test("a timeout for all calls, and a longer one for one of them", async () => {
  const { client, peer } = clientAndPeer({ timeout: 20 });
  const long = client.unary(body("a"), { timeout: 60_000 });
  const short = outcome(client.unary(body("b")));
  const [first, second] = await peer.take(2);
  await rpcError(short, "deadline-exceeded");
  assertEquals(client.inFlight, 1);
  await peer.send(normal(first!.id, "in time"));
  assertEquals((await soon(long, "the answer")).body, "in time");
  assertEquals(await closeClient(client, peer), [cancel(second!.id)]);
});

test("a timeout out of range is a RangeError, and nothing is sent", async () => {
  const { client, peer } = clientAndPeer();
  for (const timeout of [0, -1, 0.5, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => client.unary(body("a"), { timeout }), RangeError, "timeout");
    assertThrows(() => client.streaming(body("a"), { timeout }), RangeError, "timeout");
    assertThrows(() => clientAndPeer({ timeout }), RangeError, "timeout");
  }
  for (const maxBufferedBytes of [0, 0.5, NaN]) {
    assertThrows(() => clientAndPeer({ maxBufferedBytes }), RangeError, "maxBufferedBytes");
  }
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

async function rejection(call: ReturnType<typeof outcome>): Promise<{ error: unknown }> {
  const result = await soon(call, "the rejection");
  assert(result.kind === "error", "The call has a value");
  return result;
}

async function assertGivenUp(call: Promise<unknown>, reason: unknown): Promise<void> {
  assertStrictEquals((await rejection(outcome(call))).error, reason);
}

test("a call that is given up while its request is being encoded is cancelled", async () => {
  const { client, peer } = clientAndPeer();
  const controller = new AbortController();
  const request = body({ toJSON: () => controller.abort(new Error("changed my mind")) });
  const call = outcome(client.unary(request, controller));
  const { id } = await peer.next();
  assertEquals(await peer.next(), cancel(id));
  assertEquals((await soon(call, "the failure")).kind, "error");
  assertEquals(client.inFlight, 0);
  client.abort();
});
