import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  refused,
  type RpcContext,
  type RpcHandler,
  type RpcId,
  rpcReactor,
} from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  end,
  endPeer,
  type Message,
  messages,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { deferred, soon } from "../../support/within.ts";

async function* items(...bodies: unknown[]): AsyncGenerator<Message> {
  for (const item of bodies) yield body(item);
}

/** The answers of one kind of handler, and what a client with two requests hears. */
const ANSWERS: Record<string, [RpcHandler<Message, Message>, (id: RpcId) => Message[]]> = {
  "a value": [() => body("yes"), (id) => [normal(id, "yes")]],
  "a promise": [() => Promise.resolve(body("later")), (id) => [normal(id, "later")]],
  "an async function": [async () => await body("later"), (id) => [normal(id, "later")]],
  "a stream": [() => items(1, 2), (id) => [normal(id, 1), normal(id, 2), end(id)]],
  "a stream of nothing": [() => items(), (id) => [end(id)]],
  "a ReadableStream": [
    () =>
      new ReadableStream<Message>({
        start(controller) {
          controller.enqueue(body(1));
          controller.enqueue(body(2));
          controller.close();
        },
      }),
    (id) => [normal(id, 1), normal(id, 2), end(id)],
  ],
  "refused": [() => refused, (id) => [cancel(id)]],
  "a promise of refused": [() => Promise.resolve(refused), (id) => [cancel(id)]],
};

for (const [name, [handler, expected]] of Object.entries(ANSWERS)) {
  test(`a handler may answer with ${name}`, async () => {
    const { connection, peer, errors } = serverAndPeer(handler);
    await peer.send(normal(5), normal(6));
    const answers = await endPeer(connection, peer);
    for (const id of [5, 6]) {
      assertEquals(answers.filter((answer) => answer.id === id), expected(id));
    }
    assertEquals(answers.length, expected(5).length * 2);
    assertEquals(errors, []);
  });
}

test("a handler sees the request as it came, and its id", async () => {
  const seen: unknown[] = [];
  const { connection, peer } = serverAndPeer((request, { id }) => {
    seen.push(request, id);
    return body("ok");
  });
  await peer.send(normal(5, { some: "thing" }));
  assertEquals(await endPeer(connection, peer), [normal(5, "ok")]);
  assertEquals(seen, [normal(5, { some: "thing" }), 5]);
});

test("answers carry the request's id, whatever the handler put there", async () => {
  const { connection, peer } = serverAndPeer((request) => {
    if (request.body === "stream") {
      return (async function* () {
        yield normal(77, 1);
        yield normal(88, 2);
      })();
    }
    return request.body === "later" ? Promise.resolve(normal(99, 3)) : normal(66, 4);
  });
  await peer.send(normal(1, "stream"), normal(2, "later"), normal(3, "now"));
  const answers = await endPeer(connection, peer);
  assertEquals(answers.map(({ id }) => id).sort(), [1, 1, 1, 2, 3]);
});

test("responses are sent as they are ready, not in the order of requests", async () => {
  const first = deferred<Message>();
  const { connection, peer } = serverAndPeer(({ id }) => id === 1 ? first.promise : body("quick"));
  await peer.send(normal(1), normal(2));
  assertEquals(await peer.next(), normal(2, "quick"));
  first.resolve(body("slow"));
  assertEquals(await endPeer(connection, peer), [normal(1, "slow")]);
});

const IDS: RpcId[] = [
  0,
  1,
  2 ** 53 - 1,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

test("every id comes back whole: a number up to 2^53 - 1, a bigint beyond", async () => {
  const seen: RpcId[] = [];
  const { connection, peer, errors } = serverAndPeer((request, { id }) => {
    seen.push(id);
    return request.body === "stream" ? items(1) : body("ok");
  });
  await peer.send(...IDS.map((id) => normal(id)), ...IDS.map((id) => normal(id, "stream")));
  const answers = await endPeer(connection, peer);
  assertEquals(seen, [...IDS, ...IDS]);
  for (const id of IDS) {
    const expected = [normal(id, "ok"), normal(id, 1), end(id)];
    assertEquals(answers.filter((answer) => answer.id === id), expected);
  }
  assertEquals(answers.length, IDS.length * 3);
  assertEquals(errors, []);
});

test("a small id that the message gives as a bigint is the same as the number", async () => {
  const asBigInt = { ...messages.request, id: ({ id }: Message) => BigInt(id) };
  const contexts: RpcContext[] = [];
  const { connection, peer } = serverAndPeer((_, context) => {
    contexts.push(context);
    return new Promise(() => {});
  }, { messages: { request: asBigInt, response: asBigInt }, drainTimeout: 20 });
  for (const id of IDS) {
    await peer.send(normal(id), cancel(id));
    assertEquals(await peer.next(), cancel(id));
  }
  assertEquals(contexts.map(({ id }) => id), IDS);
  connection.abort();
});

test("a bad option is a RangeError where it is given", () => {
  const handler: RpcHandler<Message, Message> = () => refused;
  for (const bad of [0, -1, 0.5, NaN]) {
    assertThrows(
      () => rpcReactor(messages, handler, { maxConcurrentRpcs: bad }),
      RangeError,
      "maxConcurrentRpcs",
    );
  }
});

test("one handler may serve several connections", async () => {
  const handler: RpcHandler<Message, Message> = ({ body: asked }) => body(asked);
  const servers = [serverAndPeer(handler), serverAndPeer(handler)];
  for (const [i, { peer }] of servers.entries()) await peer.send(normal(1, i));
  for (const [i, { connection, peer }] of servers.entries()) {
    assertEquals(await endPeer(connection, peer), [normal(1, i)]);
    assertStrictEquals((await soon(connection.closed, "the end")).kind, "peer");
  }
});
