import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  messages,
  normal,
  rpcError,
} from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

test("each request gets an id of its own, whatever it had", async () => {
  const { client, peer } = clientAndPeer();
  const calls = [normal(7, "a"), normal(7, "b"), normal(7, "c")].map((request) =>
    outcome(client.unary(request))
  );
  const requests = await peer.take(3);
  assertEquals(requests.map(({ code, body }) => [code, body]), [[0, "a"], [0, "b"], [0, "c"]]);
  assertEquals(new Set(requests.map(({ id }) => id)).size, 3);
  client.abort();
  await Promise.all(calls);
});

test("answers are matched by id, in whatever order they come", async () => {
  const { client, peer } = clientAndPeer();
  const calls = ["a", "b", "c"].map((letter) => client.unary(body(letter)));
  const [a, b, c] = await peer.take(3);
  await peer.send(normal(c!.id, "C"), normal(a!.id, "A"), normal(b!.id, "B"));
  const answers = await soon(Promise.all(calls), "the answers");
  assertEquals(answers.map((answer) => answer.body), ["A", "B", "C"]);
  assertEquals(await closeClient(client, peer), []);
});

test("inFlight counts the calls that wait", async () => {
  const { client, peer } = clientAndPeer();
  assertEquals(client.inFlight, 0);
  const calls = [client.unary(body("a")), client.unary(body("b"))];
  assertEquals(client.inFlight, 2);
  const [first, second] = await peer.take(2);
  await peer.send(normal(second!.id));
  await soon(calls[1]!, "the second answer");
  assertEquals(client.inFlight, 1);
  await peer.send(normal(first!.id));
  await soon(calls[0]!, "the first answer");
  assertEquals(client.inFlight, 0);
  await closeClient(client, peer);
});

test("messages for ids that are not in flight are ignored", async () => {
  const { client, peer } = clientAndPeer();
  const call = client.unary(body("a"));
  const { id } = await peer.next();
  const strange = [0, 999, 2n ** 64n - 1n];
  await peer.send(...strange.flatMap((id) => [normal(id, "no"), cancel(id), end(id)]));
  await peer.send(normal(id, "yes"), normal(id, "again"), cancel(id), end(id));
  assertEquals((await soon(call, "the answer")).body, "yes");

  // The second response looks like a stream's item, which is left.
  assertEquals(await peer.next(), cancel(id));
  const next = client.unary(body("b"));
  await peer.send(normal((await peer.next()).id, "fine"));
  assertEquals((await soon(next, "the next answer")).body, "fine");
  assertEquals(await closeClient(client, peer), []);
});

test("an answer before its request has even left is taken", async () => {
  // A server can guess ids. It gains nothing but a Cancel.
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 1 }, { capacity: 1 });
  const calls = Array.from({ length: 300 }, (_, i) => client.unary(body("x".repeat(300) + i)));
  await peer.send(...Array.from({ length: 300 }, (_, i) => normal(2 * i + 2, "early")));
  const answers = await soon(Promise.all(calls), "the answers");
  assert(answers.every((answer) => answer.body === "early"));
  const sent = await closeClient(client, peer);
  const requests = new Set(sent.filter(({ code }) => code === 0).map(({ id }) => id));
  for (const { id, code } of sent) {
    if (code === 1) assert(requests.has(id), `A Cancel for ${id}, which was never asked`);
  }
});

test("an id may be a bigint in the message", async () => {
  const message = { ...messages.response, id: ({ id }: { id: number | bigint }) => BigInt(id) };
  const { client, peer } = clientAndPeer({ messages: { request: message, response: message } });
  const call = client.unary(body("a"));
  await peer.send(normal((await peer.next()).id, "A"));
  assertEquals((await soon(call, "the answer")).body, "A");
  await rpcError(outcome(client.unary(body(1n))), "encode-failed");
  await closeClient(client, peer);
});

test("an end without an answer is a failure", async () => {
  const { client, peer } = clientAndPeer();
  const call = outcome(client.unary(body("a")));
  const { id } = await peer.next();
  await peer.send(end(id));
  assertEquals((await rpcError(call, "answer-mismatch")).id, id);
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

for (const code of [1, 3, 255, 2 ** 32 - 1]) {
  test(`an answer with the control code ${code} is a cancellation`, async () => {
    const { client, peer } = clientAndPeer();
    const unary = outcome(client.unary(body("a")));
    const item = outcome(client.streaming(body("b")).next());
    const [first, second] = await peer.take(2);
    await peer.send({ id: first!.id, code }, { id: second!.id, code });
    assertEquals((await rpcError(unary, "cancelled")).id, first!.id);
    assertEquals((await rpcError(item, "cancelled")).id, second!.id);
    assertEquals(client.inFlight, 0);
    // The server knows already: nothing is sent back.
    assertEquals(await closeClient(client, peer), []);
  });
}

test("a request that cannot be encoded fails alone", async () => {
  const { client, peer } = clientAndPeer();
  const before = client.unary(body("before"));
  const bad = outcome(client.unary(body(1n)));
  const badItem = outcome(client.streaming(body(2n)).next());
  const after = client.unary(body("after"));
  for (const call of [bad, badItem]) {
    const error = await rpcError(call, "encode-failed");
    assertInstanceOf(error.cause, TypeError);
  }
  assertEquals(client.inFlight, 2);
  for (const request of await peer.take(2)) await peer.send(normal(request.id, request.body));
  const answers = await soon(Promise.all([before, after]), "the other answers");
  assertEquals(answers.map((answer) => answer.body), ["before", "after"]);
  assertEquals(await closeClient(client, peer), []);
});

test("a request that takes no id fails alone, and is not counted", async () => {
  const { client, peer } = clientAndPeer();
  for (
    const call of [
      client.unary(Object.freeze(body("a"))),
      client.streaming(Object.freeze(body("b"))).next(),
    ]
  ) {
    assertInstanceOf((await rpcError(outcome<unknown>(call), "encode-failed")).cause, TypeError);
  }
  assertEquals(client.inFlight, 0);
  const call = client.unary(body("c"));
  const { id } = await peer.next();
  await peer.send(normal(id, "C"));
  assertEquals((await soon(call, "an answer")).body, "C");
  assertEquals(await closeClient(client, peer), []);
});

test("ten thousand calls pass through a queue of sixteen", async () => {
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 16 });
  const calls = Array.from({ length: 10_000 }, (_, i) => client.unary(body(i)));
  assertEquals(client.inFlight, 10_000);
  for (let answered = 0; answered < 10_000; answered++) {
    const { id, body } = await peer.next();
    await peer.send(normal(id, body));
  }
  const answers = await soon(Promise.all(calls), "the answers");
  assertEquals(answers.map((answer) => answer.body), Array.from({ length: 10_000 }, (_, i) => i));
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

test("options of the wrong kind are refused at once, and harm no other call", async () => {
  const { client, peer } = clientAndPeer();
  const call = client.unary(body("a"));
  const [request] = await peer.take(1);
  const wrong: [options: unknown, told: string][] = [
    [1000, "options must be an object of options, not 1000"],
    [{ signal: new AbortController() }, "signal must be an AbortSignal, not an object"],
    [{ signal: 5 }, "signal must be an AbortSignal, not 5"],
  ];
  for (const [options, told] of wrong) {
    assertThrows(() => client.unary(body("b"), options as never), TypeError, told);
    assertThrows(() => client.streaming(body("b"), options as never), TypeError, told);
  }
  assertEquals(client.inFlight, 1);
  await peer.send(normal(request!.id, "A"));
  assertEquals((await soon(call, "the answer")).body, "A");
  assertEquals(await closeClient(client, peer), []);
});
