import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { DuplexPairOptions } from "@protosocket/protosocket";
import type { RpcContext } from "@protosocket/protosocket/rpc";
import {
  body,
  cancel,
  endPeer,
  type Message,
  normal,
  RESERVED,
  serverAndPeer,
  type ServerOptions,
} from "../../support/rpc.ts";
import { quiet } from "../../support/quiet.ts";
import { type Deferred, deferred, soon, until } from "../../support/within.ts";

/** A server whose rpcs are answered by the test, with so many at a time. */
function boundedServer(
  maxConcurrentRpcs: number,
  options: ServerOptions = {},
  pair: DuplexPairOptions = {},
) {
  const begun: [context: RpcContext, answer: Deferred<Message>][] = [];
  const server = serverAndPeer(
    (_, context) => {
      const answer = deferred<Message>();
      begun.push([context, answer]);
      return answer.promise;
    },
    { maxConcurrentRpcs, ...options },
    pair,
  );
  return { ...server, begun };
}

for (const max of [1, 5]) {
  test(`${max} rpcs are worked on at a time, and the next begins when one is done`, async () => {
    const { connection, peer, begun } = boundedServer(max);
    await peer.send(...Array.from({ length: 10 }, (_, i) => normal(i)));
    for (let done = 0; done < 10; done++) {
      assertEquals(await quiet(() => begun.length), Math.min(10, done + max));
      begun[done]![1].resolve(body("done"));
      assertEquals(await peer.next(), normal(done, "done"));
    }
    assertEquals(await endPeer(connection, peer), []);
  });
}

test("at the bound a Cancel is still heard, if no request is before it", async () => {
  const { connection, peer, begun } = boundedServer(2);
  await peer.send(normal(1), normal(2), cancel(1));
  assertEquals(await peer.next(), cancel(1));
  assert(begun[0]![0].signal.aborted);

  // It counts until its handler has returned, whatever the client was told.
  await peer.send(normal(3));
  assertEquals(await quiet(() => begun.length), 2);
  begun[0]![1].reject(begun[0]![0].signal.reason);
  assertEquals(await quiet(() => begun.length), 3);
  for (const [, answer] of begun.slice(1)) answer.resolve(body("done"));
  assertEquals(await endPeer(connection, peer), [normal(2, "done"), normal(3, "done")]);
});

test("a stream that is cancelled counts until it has done what it does at its end", async () => {
  const end = deferred();
  let left = false;
  const { connection, peer } = serverAndPeer((request) => {
    if (request.body === "one") return body("done");
    return (async function* () {
      try {
        for (;;) yield body("x".repeat(1000));
      } finally {
        left = true;
        await end.promise;
      }
    })();
  }, { maxConcurrentRpcs: 1 });
  // It waits for its reader.
  await peer.send({ id: RESERVED + 1, code: 2 }, normal(1), normal(2, "one"));
  await peer.next();
  await peer.send(cancel(1));
  assertEquals(await peer.next(), cancel(1));
  let answer: Message | undefined;
  peer.next().then((message) => answer = message);
  await quiet(() => Number(answer !== undefined));
  assertEquals([left, answer], [true, undefined]);
  end.resolve();
  await until(() => answer !== undefined, () => "no answer");
  assertEquals(answer, normal(2, "done"));
  assertEquals(await endPeer(connection, peer), []);
});

test("at the bound the peer is stopped", async () => {
  const gate = deferred();
  const { connection, peer } = serverAndPeer(
    () => gate.promise.then(() => body("done")),
    { maxConcurrentRpcs: 3 },
    { capacity: 1 },
  );
  let sent = 0;
  const sending = (async () => {
    for (; sent < 100; sent++) await peer.send(normal(sent, "x".repeat(64 * 1024)));
  })();
  const stopped = await quiet(() => sent);
  assert(stopped < 30, `${stopped} requests were taken, of which 3 are worked on`);
  gate.resolve();
  assertEquals((await peer.take(100)).length, 100);
  await sending;
  assertEquals(await endPeer(connection, peer), []);
});

test("answers that wait for a peer that does not read count too", async () => {
  let handled = 0;
  const { connection, peer } = serverAndPeer(
    () => {
      handled++;
      return body("x".repeat(64 * 1024));
    },
    { maxConcurrentRpcs: 10 },
    { capacity: 1 },
  );
  const asking = peer.send(...Array.from({ length: 1000 }, (_, i) => normal(i)));
  const stopped = await quiet(() => handled);
  assert(stopped < 10 + 20, `${stopped} answers are waiting, or on their way`);
  for (let read = 0; read < 1000; read++) {
    assertEquals((await peer.next()).id, read);
    assert(handled <= read + 30, `${handled} requests were handled, and ${read} answers read`);
  }
  await asking;
  assertEquals(await endPeer(connection, peer), []);
});

test("a request that waits at the bound when the connection is lost is never begun", async () => {
  const { connection, peer, begun } = boundedServer(1);
  await peer.send(normal(1), normal(2));
  assertEquals(await quiet(() => begun.length), 1);
  connection.abort();
  begun[0]![1].resolve(body("late"));
  await soon(connection.closed, "the end");
  assertEquals(await quiet(() => begun.length), 1);
});

test("a connection at its bound closes in order all the same", async () => {
  const { connection, peer, begun } = boundedServer(1, { drainTimeout: 20 });
  await peer.send(normal(1), normal(2));
  assertEquals(await quiet(() => begun.length), 1);
  const closed = connection.close();
  assertEquals(await peer.rest(), []);
  await peer.end();
  assertEquals(await soon(closed, "the end"), { kind: "local" });
  assert(begun[0]![0].signal.aborted);
  assertEquals(begun.length, 1);
});

test("a Cancel behind requests that wait at the bound is heard, and one of theirs is, too", async () => {
  const { connection, peer, begun } = boundedServer(2);
  await peer.send(normal(1), normal(2), normal(3), normal(4), normal(5));
  await peer.send(cancel(4), cancel(1));
  assertEquals(await peer.next(), cancel(1));
  begun[0]![1].reject(begun[0]![0].signal.reason);
  begun[1]![1].resolve(body("done"));
  assertEquals(await quiet(() => begun.length), 4);
  assertEquals(begun.map(([{ id }]) => id), [1, 2, 3, 5]);
  for (const [, answer] of begun.slice(2)) answer.resolve(body("done"));
  const answers = await endPeer(connection, peer);
  answers.sort((a, b) => Number(a.id) - Number(b.id));
  assertEquals(answers, [normal(2, "done"), normal(3, "done"), cancel(4), normal(5, "done")]);
});

test("what waits at the bound is bounded in bytes", async () => {
  const { connection, peer, begun } = boundedServer(1, {}, { capacity: 1 });
  let sent = 0;
  const sending = (async () => {
    for (; sent < 100_000; sent++) await peer.send(normal(sent, "x".repeat(100)));
  })();
  const stopped = await quiet(() => sent);
  // Each counts some 200 bytes, of 1 MiB; some more are on their way.
  assert(stopped < 8000, `${stopped} requests were taken`);
  assertEquals(begun.length, 1);
  connection.abort();
  await sending.catch(() => {});
});
