// RPCs that wait for their client beside more requests than may be held: what they wait for is
// behind those, so it must be read.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair } from "@protosocket/protosocket";
import { RpcClient, RpcError, type RpcHandler, rpcReactor } from "@protosocket/protosocket/rpc";
import { quiet } from "../../support/quiet.ts";
import { body, jsonCodec, type Message, messages } from "../../support/rpc.ts";
import { deferred, fired, outcome, soon } from "../../support/within.ts";

const LARGE = "x".repeat(64 * 1024);
/** How many of them are more than a server holds, 4 MiB. */
const MANY = 100;

function both(handler: RpcHandler<Message, Message>, maxConcurrentRpcs: number) {
  const [here, there] = duplexPair();
  const server = new Connection(there, {
    codec: jsonCodec(),
    reactor: rpcReactor(messages, handler, { maxConcurrentRpcs }),
  });
  return { client: new RpcClient(here, { codec: jsonCodec(), messages }), server };
}

/** Makes many large calls; counts those that were refused before they were begun. */
function manyCalls(client: RpcClient<Message, Message>) {
  const calls = { refused: 0, answered: 0, settled: Promise.resolve() as Promise<unknown> };
  calls.settled = Promise.all(Array.from({ length: MANY }, async () => {
    const result = await outcome(client.unary(body(LARGE)));
    if (result.kind === "value") return calls.answered++;
    assert(result.error instanceof RpcError, String(result.error));
    assertEquals([result.error.code, result.error.sent], ["unavailable", false]);
    calls.refused++;
  }));
  return calls;
}

for (const kind of ["sync", "async"] as const) {
  test(`held: ${kind} streams that nobody reads wait, and what they keep from being begun is refused`, async () => {
    function* items() {
      for (let i = 0;; i++) yield body(i);
    }
    const { client, server } = both(({ body: asked }) => {
      if (asked !== "stream") return body(asked);
      return kind === "sync" ? items() : (async function* () {
        yield* items();
      })();
    }, 2);
    const streams = [client.streaming(body("stream")), client.streaming(body("stream"))];
    for (const stream of streams) assertEquals((await stream.next()).value?.body, 0);
    const calls = manyCalls(client);
    const refused = await quiet(() => calls.refused);
    assert(refused > 30 && refused < 40, `${refused} calls were refused`);
    assertEquals(calls.answered, 0);
    // The Cancel is read, and the other stream has lost nothing.
    await streams[0]!.return();
    await soon(calls.settled, "the other calls");
    assertEquals(calls.answered + calls.refused, MANY);
    for (let i = 1; i < 20_000; i++) assertEquals((await streams[1]!.next()).value?.body, i);
    await streams[1]!.return();
    await soon(client.close(), "the close");
    await server.closed;
  });
}

test("held: an RPC that reads requests gets them, and what it keeps from being begun is refused", async () => {
  const said = deferred();
  const { client, server } = both(async (request, context) => {
    if (request.body === LARGE) return request;
    const heard: unknown[] = [];
    for await (const { body: word } of context.requests()) heard.push(word);
    return body(heard);
  }, 1);
  const listening = client.unary(body("listen"), {
    requests: (async function* () {
      yield body("first");
      await said.promise;
      yield body("second");
    })(),
  });
  const calls = manyCalls(client);
  const refused = await quiet(() => calls.refused);
  assert(refused > 30 && refused < 40, `${refused} calls were refused`);
  said.resolve();
  assertEquals((await soon(listening, "the answer")).body, ["first", "second"]);
  await soon(calls.settled, "the other calls");
  assertEquals(calls.answered + calls.refused, MANY);
  await soon(client.close(), "the close");
  await server.closed;
});

test("held: an RPC that waits for its reader and for requests is one that waits, beside one that works", async () => {
  const done = deferred();
  const asked: Promise<unknown>[] = [];
  const { client, server } = both((request, context) => {
    if (request.body === "work") return done.promise.then(() => body("done"));
    if (request.body === LARGE) return request;
    asked.push(context.requests()[Symbol.asyncIterator]().next());
    return (function* () {
      for (let i = 0;; i++) yield body(i);
    })();
  }, 2);
  const requests = (async function* () {
    await done.promise;
    yield body("late");
  })();
  const stream = client.streaming(body("talk"), { requests });
  assertEquals((await stream.next()).value?.body, 0);
  const working = client.unary(body("work"));
  const calls = manyCalls(client);
  assertEquals(await quiet(() => calls.refused), 0);
  done.resolve();
  assertEquals((await soon(working, "the answer")).body, "done");
  await soon(calls.settled, "the other calls");
  assertEquals([calls.answered + calls.refused, asked.length], [MANY, 1]);
  await soon(client.close(), "the close");
  await server.closed;
});

test("held: it reads on once refusals have been sent, also if many requests came in one chunk", async () => {
  const { client, server } = both(async function* ({ body: asked }) {
    for (let i = 0;; i++) yield body([asked, i]);
  }, 1);
  const stream = client.streaming(body("stream"));
  await stream.next();
  let refused = 0;
  // Some 64 of them arrive at once.
  const calls = Array.from({ length: 6000 }, async () => {
    const result = await outcome(client.unary(body("x".repeat(1000))));
    if (result.kind === "error" && (result.error as RpcError).code === "unavailable") refused++;
  });
  assert(await quiet(() => refused) > 1000, `${refused} calls were refused`);
  for (let i = 1; i < 20_000; i++) assertEquals((await stream.next()).value?.body, ["stream", i]);
  client.abort("That is enough");
  await Promise.all(calls);
  await server.closed;
});

test("held: it reads on when the last RPC that did not wait asks for further requests", async () => {
  const goOn = deferred();
  const { client, server } = both(({ body: asked }, context) => {
    if (asked === "stream") {
      return (async function* () {
        for (let i = 0;; i++) yield body(i);
      })();
    }
    if (asked !== "listen") return body(asked);
    return goOn.promise.then(async () => {
      const heard: unknown[] = [];
      for await (const { body: word } of context.requests()) heard.push(word);
      return body(heard);
    });
  }, 2);
  const stream = client.streaming(body("stream"));
  assertEquals((await stream.next()).value?.body, 0);
  const listening = client.unary(body("listen"), { requests: [body("first"), body("second")] });
  const calls = manyCalls(client);
  assertEquals(await quiet(() => calls.refused), 0);
  goOn.resolve();
  assertEquals((await soon(listening, "the answer")).body, ["first", "second"]);
  await stream.return();
  await soon(calls.settled, "the other calls");
  await soon(client.close(), "the close");
  await server.closed;
});

test("held: the Cancel is read of an RPC that has requests to read and waits for just that", async () => {
  const begun = deferred();
  const { client, server } = both(async (request, context) => {
    if (request.body === LARGE) return request;
    await context.requests()[Symbol.asyncIterator]().next();
    begun.resolve();
    await fired(context.signal);
    return request;
  }, 1);
  const subscriber = new AbortController();
  const subscribed = outcome(client.unary(body("subscribe"), {
    signal: subscriber.signal,
    requests: (async function* () {
      yield body("read");
      yield body("unread");
      await fired(subscriber.signal);
    })(),
  }));
  await soon(begun.promise, "the handler");
  const calls = manyCalls(client);
  await quiet(() => calls.refused);
  subscriber.abort();
  await soon(subscribed, "the subscription");
  await soon(calls.settled, "the other calls");
  assert(calls.answered > 60, `${calls.answered} calls were answered`);
  await soon(client.close(), "the close");
  await server.closed;
});
