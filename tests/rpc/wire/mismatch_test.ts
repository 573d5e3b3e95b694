// A handler that answers with a stream where the client expects one response, or the reverse.
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair } from "@protosocket/protosocket";
import {
  refused,
  type RpcAnswer,
  RpcClient,
  RpcError,
  type RpcHandler,
  rpcReactor,
} from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  endPeer,
  jsonCodec,
  type Message,
  messages,
  normal,
  RESERVED,
  rpcError,
  serverAndPeer,
} from "../../support/rpc.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

/** Both ends, the errors that the server's onError heard, and how its RPCs ended. */
function bothEnds(handler: RpcHandler<Message, Message>) {
  const [here, there] = duplexPair();
  const errors: unknown[] = [];
  const ended: unknown[] = [];
  const server = new Connection(there, {
    codec: jsonCodec(),
    reactor: rpcReactor(messages, handler, {
      onError: (error) => errors.push(error),
      rpcObserver: { onRpc: () => (error) => ended.push(error) },
    }),
  });
  return {
    client: new RpcClient(here, { codec: jsonCodec(), messages }),
    server,
    errors,
    ended,
  };
}

/** Kinds of streams, of which the last tells when it is left. */
const STREAMS: Record<string, (left: () => void) => RpcAnswer<Message>> = {
  *"a generator"() {
    for (;;) yield body("item");
  },
  async *"an async generator"() {
    for (;;) yield body("item");
  },
  "a promise of a generator": () => Promise.resolve([body("item")].values()),
  "an iterator": (left) => {
    const iterator: AsyncIterableIterator<Message> = {
      next: () => Promise.resolve({ done: false, value: body("item") }),
      return: () => (left(), Promise.resolve({ done: true, value: undefined })),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  },
};

for (const [name, stream] of Object.entries(STREAMS)) {
  test(`unary() answered by ${name} fails at both ends, and the stream is left`, async () => {
    const left = deferred();
    const { client, server, errors, ended } = bothEnds(() => stream(left.resolve));
    const error = await rpcError(outcome(client.unary(body("x"))), "answer-mismatch");
    assertMatch(error.message, /a stream, where one response was expected/);
    if (name === "an iterator") await soon(left.promise, "the stream to be left");
    for (const told of [errors, ended]) {
      assertEquals(told.length, 1);
      assertInstanceOf(told[0], RpcError);
      assertEquals([told[0].code, told[0].id], ["answer-mismatch", error.id]);
      assertMatch(told[0].message, /answered with a stream, where the client expects one response/);
    }
    // Nothing goes on: both ends close in order.
    assertEquals(await soon(client.close(), "the client's end"), { kind: "local" });
    assertEquals(await soon(server.closed, "the server's end"), { kind: "peer" });
  });
}

const SINGLE: Record<string, () => Message | Promise<Message>> = {
  "a response": () => body("one"),
  "a promise": () => Promise.resolve(body("one")),
};

for (const [name, answer] of Object.entries(SINGLE)) {
  test(`streaming() answered by ${name} fails at both ends`, async () => {
    const { client, server, errors, ended } = bothEnds(answer);
    const read = outcome(client.streaming(body("x")).next());
    const error = await rpcError(read, "answer-mismatch");
    assertMatch(error.message, /one response, where a stream was expected/);
    assertEquals([errors, ended].map((told) => told.map((e) => (e as RpcError).code)), [
      ["answer-mismatch"],
      ["answer-mismatch"],
    ]);
    assertEquals(client.inFlight, 0);
    await client.close();
    await soon(server.closed, "the server's end");
  });
}

test("a refusal is neither", async () => {
  const { client, errors } = bothEnds(() => refused);
  await rpcError(outcome(client.unary(body("x"))), "cancelled");
  await rpcError(outcome(client.streaming(body("x")).next()), "cancelled");
  assertEquals(errors, []);
  await client.close();
});

test("the handler's signal fires, with the same error", async () => {
  const signals: AbortSignal[] = [];
  const { client } = bothEnds((_, { signal }) => {
    signals.push(signal);
    return [body("item")].values();
  });
  await rpcError(outcome(client.unary(body("x"))), "answer-mismatch");
  assert(signals[0]!.aborted);
  assertEquals(signals[0]!.reason.code, "answer-mismatch");
  await client.close();
});

test("a client that has not announced itself gets whatever the handler answers with", async () => {
  const { connection, peer, errors } = serverAndPeer(({ body: asked }) =>
    asked === "stream" ? [body(1), body(2)].values() : body("one")
  );
  await peer.send(normal(2, "stream"), normal(3, "one"));
  const answers = await endPeer(connection, peer);
  assertEquals(answers.filter(({ id }) => id === 2), [normal(2, 1), normal(2, 2), end(2)]);
  assertEquals(answers.filter(({ id }) => id === 3), [normal(3, "one")]);
  assertEquals(errors, []);
});

test("on the wire, a mismatch is the Cancel of the id that differs in its lowest bit", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) =>
    asked === "stream" ? [body(1), body(2)].values() : body("one")
  );
  await peer.send(end(RESERVED + 1000), normal(2, "stream"), normal(5, "one"), normal(7, "stream"));
  const answers = await endPeer(connection, peer);
  assertEquals(answers.filter(({ code }) => code === 1), [cancel(3), cancel(4)]);
  assertEquals(answers.filter(({ id }) => id === 7), [normal(7, 1), normal(7, 2), end(7)]);
});

test("a server that does not know: the call has its first item, and the rest is cancelled once", async () => {
  const { client, peer } = clientAndPeer();
  const call = client.unary(body("x"));
  const { id } = await peer.next();
  await peer.send(normal(id, 1));
  assertEquals((await soon(call, "the first item")).body, 1);
  await peer.send(normal(id, 2), normal(id, 3), normal(id, 4));
  assertEquals(await peer.next(), cancel(id));
  await peer.send(normal(id, 5), cancel(id));
  assertEquals(await closeClient(client, peer), []);
});

test("an id that no client gives tells nothing of what is expected", async () => {
  const { connection, peer, errors } = serverAndPeer(() => [body(1)].values());
  const id = 2n ** 60n;
  await peer.send(end(RESERVED + 1000), normal(id, "x"));
  assertEquals(await endPeer(connection, peer), [normal(id, 1), end(id)]);
  assertEquals(errors, []);
});
