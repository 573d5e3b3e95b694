// Calls whose responses are read in the turn in which they arrive.
import { assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { duplexPair } from "@protosocket/protosocket";
import { RpcClient, type StreamingCallOptions } from "@protosocket/protosocket/rpc";
import { type Reading, readUnary } from "../../../src/rpc/reading.ts";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  jsonCodec,
  type Message,
  messages,
  normal,
} from "../../support/rpc.ts";
import { type Outcome, outcome, soon } from "../../support/within.ts";

/** A reader that notes what it is asked. */
class Noting implements Reading<Message, unknown> {
  readonly notes: string[] = [];
  readonly #read: (body: unknown) => unknown;

  constructor(read: (body: unknown) => unknown = (body) => `read ${body}`) {
    this.#read = read;
  }

  read({ body }: Message): unknown {
    this.notes.push(`read ${body}`);
    return this.#read(body);
  }

  failed(error: unknown): never {
    const { code, message } = error as { code?: string; message: string };
    this.notes.push(`failed ${code ?? message}`);
    throw new Error("mapped", { cause: error });
  }
}

function errorOf(end: Outcome<unknown>): Error {
  if (end.kind === "value") throw new Error(`It has the value ${end.value}`);
  return end.error as Error;
}

test("a response is read once, when it has arrived, and before what comes behind it", async () => {
  const { client, peer } = clientAndPeer();
  const reading = new Noting();
  const a = readUnary(client, body("a"), undefined, reading);
  const b = readUnary(client, body("b"), undefined, reading);
  const requests = await peer.take(2);
  assertEquals(reading.notes, []);
  await peer.send(normal(requests[0]!.id, "A"), normal(requests[0]!.id, "again"));
  await peer.send(normal(requests[1]!.id, "B"));
  assertEquals(await soon(Promise.all([a, b]), "both"), ["read A", "read B"]);
  assertEquals(reading.notes, ["read A", "read B"]);
  client.abort();
});

test("a reader that throws, or rejects, fails its call alone, with that and nothing else", async () => {
  const { client, peer } = clientAndPeer();
  const oops = new Error("oops");
  const reading = new Noting((body) => {
    if (body === "throw") throw oops;
    return body === "reject" ? Promise.reject(oops) : body;
  });
  const calls = ["throw", "fine", "reject", "also fine"].map((text) => ({
    text,
    outcome: outcome(readUnary(client, body(text), undefined, reading)),
  }));
  const requests = await peer.take(4);
  await peer.send(...requests.map(({ id, body }) => normal(id, body)));
  for (const { text, outcome: settled } of calls) {
    const end = await soon(settled, text);
    if (text.endsWith("fine")) assertEquals(end, { kind: "value", value: text });
    else assertStrictEquals(errorOf(end), oops);
  }
  assertEquals(reading.notes, ["read throw", "read fine", "read reject", "read also fine"]);
  assertEquals(client.inFlight, 0);
  assertEquals(client.isAlive, true);
  assertEquals(await closeClient(client, peer), []);
});

test("what a call fails with goes through the reader, and no response after that", async () => {
  const { client, peer } = clientAndPeer();
  const reading = new Noting();
  const controller = new AbortController();
  const refused = outcome(readUnary(client, body("a"), undefined, reading));
  const [request] = await peer.take(1);
  await peer.send(cancel(request!.id), normal(request!.id, "late"));
  const left = outcome(readUnary(client, body("b"), { signal: controller.signal }, reading));
  await peer.take(1);
  controller.abort(new Error("left"));
  const settled = await soon(Promise.all([refused, left]), "both");
  for (const end of settled) assertEquals(errorOf(end).message, "mapped");
  assertEquals(reading.notes.toSorted(), ["failed cancelled", "failed left"]);
  client.abort();
  await outcome(readUnary(client, body("c"), undefined, reading));
  assertEquals(reading.notes[2], "failed connection-closed");
});

test("a reader may end the connection: its call has its result, the others fail", async () => {
  const { client, peer } = clientAndPeer();
  const reading = new Noting((body) => (client.abort(), body));
  const a = outcome(readUnary(client, body("a"), undefined, reading));
  const b = outcome(readUnary(client, body("b"), undefined, reading));
  const requests = await peer.take(2);
  await peer.send(...requests.map(({ id, body }) => normal(id, body)));
  const [first, second] = await soon(Promise.all([a, b]), "both");
  assertEquals(first, { kind: "value", value: "a" });
  assertEquals(errorOf(second).message, "mapped");
  assertEquals(reading.notes, ["read a", "failed connection-closed"]);
});

test("what stands in for a client is asked as any other, and its answers are read", async () => {
  const asked: unknown[] = [];
  const caller = {
    unary(request: Message, options?: StreamingCallOptions<Message>): Promise<Message> {
      asked.push([request.body, options]);
      return request.body === "no" ? Promise.reject(new Error("no")) : Promise.resolve(body("yes"));
    },
  };
  const reading = new Noting();
  assertEquals(await readUnary(caller, body("a"), { timeout: 5 }, reading), "read yes");
  await outcome(readUnary(caller, body("no"), undefined, reading));
  assertEquals(asked, [["a", { timeout: 5 }], ["no", undefined]]);
  assertEquals(reading.notes, ["read yes", "failed no"]);
});

test("a class that extends the client, and a method put in its place, are not passed over", async () => {
  class Counting extends RpcClient<Message, Message> {
    calls = 0;
    override unary(request: Message): Promise<Message> {
      this.calls++;
      return Promise.resolve(request);
    }
  }
  const extended = new Counting(duplexPair()[0], { codec: jsonCodec(), messages });
  const { client: patched } = clientAndPeer();
  patched.unary = (request) => Promise.resolve(request);
  const reading = new Noting();
  assertEquals(await readUnary(extended, body("a"), undefined, reading), "read a");
  assertEquals(extended.calls, 1);
  assertEquals(await readUnary(patched, body("b"), undefined, reading), "read b");
  extended.abort();
  patched.abort();
});
