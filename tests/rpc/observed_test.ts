// What observers and onError are told, and that nothing they do can harm.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { test } from "node:test";
import { ConnectionError } from "@protosocket/protosocket";
import { RpcError, type RpcObserver } from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  endPeer,
  type Message,
  messages,
  normal,
  rpcError,
  serverAndPeer,
} from "../support/rpc.ts";
import { deferred, outcome, soon } from "../support/within.ts";

/** An observer that keeps what it is told. */
function recorder() {
  const begun: unknown[] = [];
  const ended: [request: unknown, error: unknown][] = [];
  const rpcObserver: RpcObserver<Message> = {
    onRpc({ id, request }) {
      begun.push(id);
      return (error) => void ended.push([request.body, error]);
    },
  };
  return { begun, ended, rpcObserver };
}

const REASONS: readonly unknown[] = [undefined, null];

for (const reason of REASONS) {
  test(`a handler that fails with ${reason} has failed`, async () => {
    const { ended, rpcObserver } = recorder();
    const { connection, peer, errors } = serverAndPeer(({ body: asked }) => {
      if (asked === "rejects") return Promise.reject(reason);
      if (asked === "throws") throw reason;
      // deno-lint-ignore require-yield
      return (function* (): Generator<Message> {
        throw reason;
      })();
    }, { rpcObserver });
    await peer.send(normal(1, "rejects"), normal(2, "throws"), normal(3, "stream"));
    const answers = await endPeer(connection, peer);
    assertEquals(answers.map(({ code }) => code), [1, 1, 1]);
    for (const error of [...ended.map(([, error]) => error), ...errors.map(([error]) => error)]) {
      assertInstanceOf(error, Error);
      assertMatch(error.message, new RegExp(`${reason}`));
    }
    assertEquals([ended.length, errors.length], [3, 3]);
  });

  test(`a call given up with ${reason} has failed`, async () => {
    const { ended, rpcObserver } = recorder();
    const { client, peer } = clientAndPeer({ rpcObserver });
    const controller = new AbortController();
    const call = outcome(client.unary(body("a"), controller));
    await peer.next();
    // Of undefined a runtime makes an error of its own.
    controller.abort(reason);
    const result = await call;
    assert(result.kind === "error");
    assertStrictEquals(result.error, controller.signal.reason);
    assertEquals(ended.length, 1);
    assertInstanceOf(ended[0]![1], Error);
    await closeClient(client, peer);
  });
}

test("an RPC has succeeded when its answer has been encoded, not before", async () => {
  const { ended, rpcObserver } = recorder();
  const { connection, peer } = serverAndPeer(
    ({ body: asked }) => asked === "large" ? body("x".repeat(10_000)) : body(asked),
    { rpcObserver, maxOutboundLength: 1000 },
  );
  await peer.send(normal(1, "fine"), normal(2, "large"));
  assertEquals(await endPeer(connection, peer), [normal(1, "fine"), cancel(2)]);
  assertEquals(ended[0], ["fine", undefined]);
  assertInstanceOf(ended[1]![1], RpcError);
  assertEquals(ended[1]![1].code, "encode-failed");
});

test("answers that wait for room when the connection is lost have not been answered", async () => {
  const { ended, begun, rpcObserver } = recorder();
  const { connection, peer } = serverAndPeer(() => body("x".repeat(64 * 1024)), { rpcObserver }, {
    capacity: 1,
  });
  await peer.send(...Array.from({ length: 50 }, (_, i) => normal(i)));
  await peer.next();
  peer.abort();
  await soon(connection.closed, "the end");
  assertEquals(ended.length, begun.length);
  const failed = ended.filter(([, error]) => error !== undefined);
  assert(failed.length > 30, `${failed.length} have failed`);
  for (const [, error] of failed) {
    assertEquals((error as RpcError).code, "connection-closed");
    assertInstanceOf((error as RpcError).cause, Error);
  }
});

test("a call after the connection was lost has its error as the cause, and is observed", async () => {
  const { begun, ended, rpcObserver } = recorder();
  const { client, peer } = clientAndPeer({ rpcObserver });
  peer.abort();
  const reason = await soon(client.closed, "the end");
  assert(reason.kind === "error");
  const error = await rpcError(outcome(client.unary(body("late"))), "connection-closed");
  assertStrictEquals(error.cause, reason.error);
  assertEquals([error.sent, begun], [false, [0]]);
  assertEquals(ended, [["late", error]]);
});

test("async callbacks that reject harm nothing", async () => {
  const rpcObserver = {
    onRpc: () => () => Promise.reject(new Error("the observer's end")),
  };
  const async = { onRpc: () => Promise.reject(new Error("the observer")) } as never;
  for (const observer of [rpcObserver, async]) {
    const { connection, peer } = serverAndPeer(({ body: asked }) => {
      if (asked === "fail") throw new Error("oops");
      return asked === "rot" ? body(1n) : body("fine");
    }, {
      rpcObserver: observer,
      onError: () => Promise.reject(new Error("onError")),
    });
    await peer.send(normal(1), normal(2, "fail"), normal(3, "rot"));
    const answers = await endPeer(connection, peer);
    answers.sort((a, b) => Number(a.id) - Number(b.id));
    assertEquals(answers, [normal(1, "fine"), cancel(2), cancel(3)]);

    const { client, peer: server } = clientAndPeer({ rpcObserver: observer });
    const call = client.unary(body("a"));
    await server.send(normal((await server.next()).id, "A"));
    assertEquals((await soon(call, "the answer")).body, "A");
    await closeClient(client, server);
  }
});

test("what is too long fails alone, with both sizes: a response", async () => {
  const signals: AbortSignal[] = [];
  const { connection, peer, errors } = serverAndPeer(({ body: asked }, { signal }) => {
    signals.push(signal);
    if (asked === "large") return body("x".repeat(10_000));
    if (asked !== "stream") return body(asked);
    return (async function* () {
      yield body("small");
      yield body("x".repeat(10_000));
      yield body("small");
    })();
  }, { maxOutboundLength: 1000 });
  await peer.send(normal(1, "a"), normal(2, "large"), normal(3, "stream"), normal(4, "b"));
  const answers = await endPeer(connection, peer);
  const of = (id: number) => answers.filter((answer) => answer.id === id);
  assertEquals([of(1), of(2), of(4)], [[normal(1, "a")], [cancel(2)], [normal(4, "b")]]);
  assertEquals(of(3), [normal(3, "small"), cancel(3)]);
  assertEquals(errors.map(([, { id }]) => id).sort(), [2, 3]);
  for (const [error] of errors) {
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "message-too-large");
    assertMatch(error.message, /10\d\d\d bytes.*maxOutboundLength, 1000 bytes/);
  }
  const { reason } = signals[2]!;
  assertInstanceOf(reason, RpcError);
  assertEquals(reason.code, "encode-failed");
  assertMatch(reason.message, /10\d\d\d bytes.*1000 bytes/);
});

test("what is too long fails alone, with both sizes: a request", async () => {
  const { client, peer } = clientAndPeer({ maxOutboundLength: 1000 });
  const before = client.unary(body("before"));
  const large = [
    client.unary(body("x".repeat(10_000))),
    client.streaming(body("x".repeat(10_000))).next(),
  ];
  const after = client.unary(body("after"));
  for (const call of large) {
    const error = await rpcError(outcome<unknown>(call), "encode-failed");
    assertMatch(error.message, /10\d\d\d bytes.*1000 bytes/);
    assertInstanceOf(error.cause, ConnectionError);
  }
  for (const { id, body } of await peer.take(2)) await peer.send(normal(id, body));
  assertEquals((await soon(Promise.all([before, after]), "the others")).length, 2);
  assertEquals(await closeClient(client, peer), []);
});

test("one object may answer many requests, and be passed to many calls", async () => {
  const cached = body("cached");
  const { connection, peer } = serverAndPeer(({ body: asked }) => {
    if (asked === "later") return Promise.resolve(cached);
    if (asked === "items") return [cached, cached].values();
    return cached;
  });
  await peer.send(normal(1), normal(2), normal(3, "later"), normal(4, "later"), normal(5, "items"));
  const answers = await endPeer(connection, peer);
  const ids = answers.filter(({ code }) => code === 0).map(({ id }) => Number(id)).sort();
  assertEquals(ids, [1, 2, 3, 4, 5, 5]);

  const { client, peer: server } = clientAndPeer();
  const request = body("again");
  const calls = [1, 2, 3].map(() => client.unary(request));
  for (const { id, body } of await server.take(3)) await server.send(normal(id, body));
  assertEquals((await soon(Promise.all(calls), "the answers")).length, 3);
  assertEquals(await closeClient(client, server), []);
});

test("a call is not timed out while its answer lies in the socket", async () => {
  const { client, peer } = clientAndPeer({ timeout: 30 });
  const call = outcome(client.unary(body("a")));
  const { id } = await peer.next();
  await peer.send(normal(id, "in time"));
  // The process is busy while both the timer and the answer become due.
  const busy = performance.now() + 60;
  while (performance.now() < busy);
  const result = await soon(call, "the answer");
  assert(result.kind === "value", "It was timed out");
  await closeClient(client, peer);
});

test("a sync generator that ends its own connection runs its finally", async () => {
  for (const way of ["abort", "close"] as const) {
    const left = deferred();
    const { connection, peer } = serverAndPeer(function* () {
      try {
        yield body(1);
        connection[way]();
        for (;;) yield body(2);
      } finally {
        left.resolve();
      }
    });
    await peer.send(normal(1));
    await soon(left.promise, `finally, after ${way}()`);
    peer.abort();
    await soon(connection.closed, "the end");
  }
});

test("a text id in a response is the server's fault, and says so", async () => {
  const { client, peer } = clientAndPeer({
    messages: {
      request: messages.request,
      response: { ...messages.response, id: ({ body }) => body as number },
    },
  });
  const call = outcome(client.unary(body("a")));
  await peer.next();
  await peer.send(normal(1, "two"));
  const { cause } = await rpcError(call, "connection-closed");
  assertInstanceOf(cause, ConnectionError);
  assertEquals(cause.code, "invalid-message");
  assertMatch(cause.message, /must be an integer.*not a value of type string/);
});

test("a message in which no id can be found is the peer's fault, too", async () => {
  const { connection, peer } = serverAndPeer(() => body("never"), {
    messages: {
      ...messages,
      request: { ...messages.request, code: () => (null as unknown as Message).code },
    },
  });
  await peer.send(end(1));
  const reason = await soon(connection.closed, "the end");
  assert(reason.kind === "error");
  assertEquals(reason.error.code, "invalid-message");
});

test("an observer that ends a call as it is told of it hears of its end", async () => {
  const controller = new AbortController();
  const ended: unknown[] = [];
  const { client, peer } = clientAndPeer({
    rpcObserver: {
      onRpc() {
        controller.abort("enough");
        return (error) => void ended.push(error);
      },
    },
  });
  const call = await soon(outcome(client.unary(body("a"), controller)), "the end");
  assertEquals(call, { kind: "error", error: "enough" });
  assertEquals(ended.length, 1);
  assertEquals(await closeClient(client, peer), []);
});
