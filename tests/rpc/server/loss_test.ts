import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { body, cancel, type Message, normal, serverAndPeer } from "../../support/rpc.ts";
import { assertReason, firing, type SlowServer, slowServer } from "../../support/slow_server.ts";
import { deferred, soon } from "../../support/within.ts";

const WAYS_TO_END: Record<string, [(server: SlowServer) => void, unknown]> = {
  "the peer breaks it": [({ peer }) => peer.abort(), "reset"],
  "it is aborted here": [({ connection }) => connection.abort(), "aborted"],
  "it is closed here": [({ connection, peer }) => {
    connection.close();
    peer.end();
  }, undefined],
};

for (const [name, [endIt, code]] of Object.entries(WAYS_TO_END)) {
  test(`when ${name}, the signals of the connection's RPCs fire`, async () => {
    const server = slowServer();
    const { connection, peer, answers, contexts } = server;
    await peer.send(normal(1, "a"), normal(1, "b"), normal(2, "c"), cancel(2));
    assertEquals(await peer.next(), cancel(2));
    const fired = firing(contexts[0]!.signal);
    endIt(server);
    await soon(fired, "the signal");
    // The second shares its id with the first, and nobody has looked at its signal yet.
    for (const { signal } of contexts.slice(0, 2)) {
      const { cause } = assertReason(signal, "connection-closed");
      assertEquals((cause as { code?: string } | undefined)?.code, code);
    }
    assertReason(contexts[2]!.signal, "cancelled");
    for (const answer of answers.values()) answer.resolve(body("late"));
    await soon(connection.closed, "the end");
  });
}

for (const kind of ["a promise", "a stream"]) {
  test(`when a handler itself ends its connection, its signal fires: ${kind}`, async () => {
    const fired = deferred();
    const left = deferred();
    const { connection, peer } = serverAndPeer((_, { signal }) => {
      signal.addEventListener("abort", () => fired.resolve());
      connection.abort();
      if (kind === "a promise") return new Promise(() => left.resolve());
      const stream: AsyncIterableIterator<Message> = {
        next: () => new Promise(() => {}),
        return: () => (left.resolve(), Promise.resolve({ done: true, value: undefined })),
        [Symbol.asyncIterator]: () => stream,
      };
      return stream;
    });
    await peer.send(normal(1));
    await soon(fired.promise, "the signal");
    await soon(left.promise, "the stream to be left");
  });
}

test("when the connection is lost, each stream is left, also two with one id", async () => {
  const left: unknown[] = [];
  const bothLeft = deferred();
  const { connection, peer } = serverAndPeer(async function* ({ body: name }) {
    try {
      for (;;) yield body("x".repeat(10_000));
    } finally {
      left.push(name);
      if (left.length === 2) bothLeft.resolve();
    }
  });
  await peer.send(normal(1, "first"), normal(1, "second"));
  await peer.take(10);
  peer.abort();
  await soon(bothLeft.promise, "both generators to be left");
  assertEquals(left.sort(), ["first", "second"]);
  assertEquals((await connection.closed).kind, "error");
});
