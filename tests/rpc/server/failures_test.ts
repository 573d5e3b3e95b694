import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { RpcError, type RpcHandler } from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  end,
  endPeer,
  type Message,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { deferred, soon } from "../../support/within.ts";

const oops = new Error("oops");
const ADDRESS = { transport: "tcp", hostname: "127.0.0.1", port: 7 } as const;

/** Handlers that fail, with what the client hears before the Cancel. */
const FAILURES: Record<string, [RpcHandler<Message, Message>, unknown[]]> = {
  "throws": [() => {
    throw oops;
  }, []],
  "rejects": [() => Promise.reject(oops), []],
  "throws before the first item": [
    () =>
      // deno-lint-ignore require-yield
      (async function* (): AsyncGenerator<Message> {
        throw oops;
      })(),
    [],
  ],
  "throws between items": [
    () =>
      (async function* () {
        yield body(1);
        yield body(2);
        throw oops;
      })(),
    [1, 2],
  ],
  "gives an iterable that does not iterate": [() => ({
    [Symbol.asyncIterator]() {
      throw oops;
    },
  }), []],
  "gives an iterator that rejects": [() => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(oops) }),
  }), []],
};

for (const [name, [handler, before]] of Object.entries(FAILURES)) {
  test(`a handler that ${name} cancels its own rpc and no other`, async () => {
    const { connection, peer, errors } = serverAndPeer(
      (request, context) => request.body === "fail" ? handler(request, context) : body("fine"),
      { remoteAddress: ADDRESS },
    );
    await peer.send(normal(1), normal(2, "fail"), normal(3));
    const answers = await endPeer(connection, peer);
    const failed = answers.filter(({ id }) => id === 2);
    assertEquals(failed, [...before.map((item) => normal(2, item)), cancel(2)]);
    assertEquals(answers.filter(({ id }) => id !== 2), [normal(1, "fine"), normal(3, "fine")]);
    assertEquals(errors.length, 1);
    assertStrictEquals(errors[0]![0], oops);
    assertEquals(errors[0]![1], { id: 2, remoteAddress: ADDRESS });
    assertEquals(await connection.closed, { kind: "peer" });
  });
}

/** What a handler in JavaScript, or one with a cast, may answer. */
const GARBAGE: Record<string, (garbage: unknown) => unknown> = {
  "a value": (garbage) => garbage,
  "a promise": (garbage) => Promise.resolve(garbage),
  "an item": async function* (garbage) {
    yield body(1);
    yield garbage;
    yield body(2);
  },
};

for (const [name, answer] of Object.entries(GARBAGE)) {
  test(`invalid data as ${name} cancels its own RPC and no other`, async () => {
    const garbage = [undefined, null, 7, "text", Symbol("s"), Object.freeze({})];
    const { connection, peer, errors } = serverAndPeer(({ body: kind }) => {
      return (typeof kind === "number" ? answer(garbage[kind]) : body("fine")) as Message;
    });
    await peer.send(...garbage.map((_, i) => normal(i, i)), normal(99));
    const answers = await endPeer(connection, peer);
    for (const id of garbage.keys()) {
      const before = name === "an item" ? [normal(id, 1)] : [];
      assertEquals(answers.filter((answer) => answer.id === id), [...before, cancel(id)]);
    }
    assertEquals(answers.filter(({ id }) => id === 99), [normal(99, "fine")]);
    assertEquals(
      errors.map(([, rpc]) => rpc),
      garbage.map((response, id) => response === undefined ? { id } : { id, response }),
    );
  });
}

test("a stream that fails is left", async () => {
  const left = deferred();
  const { connection, peer } = serverAndPeer(() =>
    (async function* () {
      try {
        yield undefined as unknown as Message;
      } finally {
        left.resolve();
      }
    })()
  );
  await peer.send(normal(1));
  assertEquals(await peer.next(), cancel(1));
  await soon(left.promise, "the generator to be left");
  assertEquals(await endPeer(connection, peer), []);
});

test("an onError that throws harms nothing", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) => {
    if (asked === "fail") throw oops;
    return Promise.resolve(body(asked === "rot" ? 1n : "fine"));
  }, {
    onError() {
      throw new Error("the observer failed too");
    },
  });
  await peer.send(normal(1, "fail"), normal(2), normal(3, "rot"), normal(4));
  const answers = await endPeer(connection, peer);
  answers.sort((a, b) => Number(a.id) - Number(b.id));
  assertEquals(answers, [cancel(1), normal(2, "fine"), cancel(3), normal(4, "fine")]);
});

for (
  const [name, answer] of [["value", body], ["promise", (b) => Promise.resolve(body(b))]] as [
    string,
    (body: unknown) => Message | Promise<Message>,
  ][]
) {
  test(`a ${name} that cannot be encoded cancels its own rpc and no other`, async () => {
    const { connection, peer, errors } = serverAndPeer(
      ({ id }) => answer(id === 2 ? 2n : "fine"),
      { remoteAddress: ADDRESS },
    );
    await peer.send(normal(1), normal(2), normal(3));
    const answers = await endPeer(connection, peer);
    answers.sort((a, b) => Number(a.id) - Number(b.id));
    assertEquals(answers, [normal(1, "fine"), cancel(2), normal(3, "fine")]);
    assertEquals(errors.length, 1);
    assertInstanceOf(errors[0]![0], TypeError);
    const { response, ...others } = errors[0]![1];
    assertEquals(others, { id: 2, remoteAddress: ADDRESS });
    assertEquals((response as Message).body, 2n);
  });
}

test("a stream with an item that cannot be encoded is cancelled, and never ends as complete", async () => {
  for (const bad of [0, 1, 2]) {
    const signals: AbortSignal[] = [];
    const { connection, peer, errors } = serverAndPeer((_, { signal }) => {
      signals.push(signal);
      return (async function* () {
        for (let i = 0; i < 3; i++) yield body(i === bad ? 1n : i);
      })();
    });
    await peer.send(normal(1));
    const answers = await endPeer(connection, peer);
    assertEquals(answers.filter(({ code }) => code !== 0), [cancel(1)], `item ${bad} is bad`);
    assertEquals(answers.at(-1), cancel(1));
    assertEquals(errors.map(([, { id }]) => id), [1]);
    assertEquals((errors[0]![1].response as Message).body, 1n);
    const { reason } = signals[0]!;
    assertInstanceOf(reason, RpcError);
    assertEquals(reason.code, "encode-failed");
    assertInstanceOf(reason.cause, TypeError);
  }
});

test("an endless stream with an item that cannot be encoded is left", async () => {
  const left = deferred();
  const { connection, peer, errors } = serverAndPeer(({ body: asked }) => {
    if (asked === "short") {
      return (async function* () {
        for (let i = 0; i < 10; i++) yield body(i);
      })();
    }
    return (async function* () {
      try {
        for (let i = 0;; i++) yield body(i === 1000 ? 1n : i);
      } finally {
        left.resolve();
      }
    })();
  });
  await peer.send(normal(1), normal(2, "short"));
  const answers = await endPeer(connection, peer);
  await soon(left.promise, "the generator to be left");
  assertEquals(answers.filter(({ id }) => id === 1).filter(({ code }) => code !== 0), [cancel(1)]);
  const short = answers.filter(({ id }) => id === 2);
  assertEquals(short, [...Array.from({ length: 10 }, (_, i) => normal(2, i)), end(2)]);
  assert(answers.length >= 1000);
  assertEquals(errors.length, 1);
});

test("thousands of answers at once that cannot be encoded fail their calls alone", async () => {
  const gate = deferred();
  const { connection, peer, errors } = serverAndPeer(async ({ body: asked }) => {
    await gate.promise;
    return body(asked === "last" ? "fine" : 1n);
  }, { maxConcurrentRpcs: 5000 });
  const bad = Array.from({ length: 2500 }, (_, i) => normal(i + 1, "x"));
  await peer.send(...bad, normal(9999, "last"));
  gate.resolve();
  const answers = await peer.take(2501);
  assertEquals(answers.filter(({ code }) => code === 0), [normal(9999, "fine")]);
  assertEquals(errors.length, 2500);
  await endPeer(connection, peer);
});
