import { assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  end,
  endPeer,
  type Message,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { assertReason, firing, slowServer } from "../../support/slow_server.ts";
import { deferred, soon } from "../../support/within.ts";

for (const code of [1, 3, 255, 2 ** 32 - 1]) {
  test(`the control code ${code} cancels an rpc, which answers Cancel and no more`, async () => {
    const { connection, peer, answers, contexts } = slowServer();
    await peer.send(normal(1));
    await peer.send(normal(2));
    // Its answer shows that those before it are being worked on.
    await peer.send(normal(3, "fence"));
    assertEquals(await peer.next(), normal(3));
    const fired = firing(contexts[0]!.signal);
    await peer.send({ id: 1, code });
    await soon(fired, "the signal");
    assertEquals(assertReason(contexts[0]!.signal, "cancelled").id, 1);
    assertEquals(contexts[1]!.signal.aborted, false);
    assertEquals(await peer.next(), cancel(1));

    answers.get(1)!.resolve(body("late"));
    answers.get(2)!.resolve(body("fine"));
    assertEquals(await endPeer(connection, peer), [normal(2, "fine")]);
  });
}

test("what a cancelled handler throws is not reported", async () => {
  const { connection, peer, errors } = serverAndPeer((_, { signal }) => {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  await peer.send(normal(1), cancel(1));
  assertEquals(await endPeer(connection, peer), [cancel(1)]);
  assertEquals(errors, []);
});

test("a signal that is first looked at after the Cancel has fired already", async () => {
  const { connection, peer, answers, contexts } = slowServer();
  await peer.send(normal(1), cancel(1));
  assertEquals(await peer.next(), cancel(1));
  const { signal } = contexts[0]!;
  assertReason(signal, "cancelled");
  assertStrictEquals(contexts[0]!.signal, signal);
  answers.get(1)!.resolve(body("late"));
  assertEquals(await endPeer(connection, peer), []);
});

test("a second Cancel, and one for an rpc that has been answered, are ignored", async () => {
  const { connection, peer, answers, contexts } = slowServer();
  await peer.send(normal(1), cancel(1), cancel(1), normal(2));
  assertEquals(await peer.next(), cancel(1));
  answers.get(1)!.resolve(body("late"));
  answers.get(2)!.resolve(body("fine"));
  assertEquals(await peer.next(), normal(2, "fine"));
  await peer.send(cancel(2), cancel(1));
  assertEquals(await endPeer(connection, peer), []);
  assertEquals(contexts[1]!.signal.aborted, false);
});

test("a Cancel for an unknown id, and an End from a client, are ignored", async () => {
  const { connection, peer } = serverAndPeer(({ id }) => Promise.resolve(body(id)));
  await peer.send(cancel(9), end(9), normal(1), end(1), cancel(2n ** 64n - 1n));
  assertEquals(await endPeer(connection, peer), [normal(1, 1)]);
});

test("a Cancel for a stream that has ended is ignored", async () => {
  const signals: AbortSignal[] = [];
  const { connection, peer } = serverAndPeer((_, { signal }) => {
    signals.push(signal);
    return (async function* () {
      yield body("item");
    })();
  });
  await peer.send(normal(1));
  assertEquals(await peer.take(2), [normal(1, "item"), end(1)]);
  await peer.send(cancel(1));
  assertEquals(await endPeer(connection, peer), []);
  assertEquals(signals[0]!.aborted, false);
});

test("an answer does not take the place of a Cancel that waits to be sent", async () => {
  const answer = deferred<Message>();
  const cancelled = deferred();
  const { connection, peer } = serverAndPeer(
    ({ body: asked }, { signal }) => {
      if (asked === "large") return body("x".repeat(64 * 1024));
      signal.addEventListener("abort", () => cancelled.resolve());
      return answer.promise;
    },
    {},
    { capacity: 1 },
  );
  // Nobody reads, so that all that is answered waits.
  await peer.send(...Array.from({ length: 50 }, (_, id) => normal(id, "large")));
  await peer.send(normal(50), cancel(50));
  await soon(cancelled.promise, "the Cancel");
  answer.resolve(body("late"));
  const answers = await endPeer(connection, peer);
  assertEquals(answers.length, 51);
  assertEquals(answers.filter(({ id }) => id === 50), [cancel(50)]);
});

test("of two rpcs with one id a Cancel ends the later, and both are answered once", async () => {
  const { connection, peer, answers, contexts } = slowServer();
  await peer.send(normal(1, "first"), normal(1, "second"), cancel(1));
  assertEquals(await peer.next(), cancel(1));
  assertEquals(contexts.map(({ signal }) => signal.aborted), [false, true]);
  answers.get("second")!.resolve(body("late"));
  answers.get("first")!.resolve(body("fine"));
  assertEquals(await endPeer(connection, peer), [normal(1, "fine")]);
});

test("of two rpcs with one id the later can be cancelled when the first is done", async () => {
  const { connection, peer, answers, contexts } = slowServer();
  await peer.send(normal(1, "first"), normal(1, "second"), normal(2, "fence"));
  assertEquals(await peer.next(), normal(2));
  answers.get("first")!.resolve(body("fine"));
  assertEquals(await peer.next(), normal(1, "fine"));
  await peer.send(cancel(1));
  assertEquals(await peer.next(), cancel(1));
  assertEquals(contexts.map(({ signal }) => signal.aborted), [false, true]);
  assertEquals(await endPeer(connection, peer), []);
});

test("an id may be used again once it has been answered", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) => Promise.resolve(body(asked)));
  for (let i = 0; i < 10; i++) {
    await peer.send(normal(1, i));
    assertEquals(await peer.next(), normal(1, i));
  }
  assertEquals(await endPeer(connection, peer), []);
});

test("a Cancel of a stream leaves its iterator, also while it waits for an item", async () => {
  const left = deferred();
  const { connection, peer } = serverAndPeer(() => {
    let count = 0;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          count < 3
            ? Promise.resolve({ done: false, value: body(count++) })
            : left.promise.then(() => ({ done: true, value: undefined })),
        return() {
          left.resolve();
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
  });
  await peer.send(normal(1));
  assertEquals(await peer.take(3), [0, 1, 2].map((i) => normal(1, i)));
  await peer.send(cancel(1));
  await soon(left.promise, "the iterator to be left");
  assertEquals(await endPeer(connection, peer), [cancel(1)]);
});

test("a stream cancelled when its end waits to be sent has one end", async () => {
  const { connection, peer } = serverAndPeer(
    async function* ({ id }) {
      yield body("x".repeat(64 * 1024) + id);
    },
    {},
    { capacity: 1 },
  );
  // Nobody reads: the streams are over, and most of what they answered is still here.
  const ids = Array.from({ length: 100 }, (_, i) => i + 1);
  await peer.send(...ids.map((id) => normal(id)));
  await peer.send(...ids.map((id) => cancel(id)));
  const answers = await endPeer(connection, peer);
  for (const id of ids) {
    const last = answers.filter((answer) => answer.id === id && answer.code !== 0);
    assertEquals(last.length, 1, `rpc ${id} has ${last.length} ends`);
  }
});
