// Clients and servers that mean harm, by the hundred thousand.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  clientAndPeer,
  closeClient,
  end,
  endPeer,
  type Message,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { quiet } from "../../support/quiet.ts";
import { outcome, soon } from "../../support/within.ts";

/** Many messages, in writes of a thousand. */
async function sendAll(
  peer: { send(...messages: Message[]): Promise<void> },
  count: number,
  message: (i: number) => Message,
): Promise<void> {
  for (let from = 0; from < count; from += 1000) {
    await peer.send(...Array.from({ length: 1000 }, (_, i) => message(from + i)));
  }
}

test("a hundred thousand Cancels for unknown ids get no response", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) => body(asked));
  await sendAll(peer, 100_000, cancel);
  await peer.send(normal(1, "still here?"));
  assertEquals(await endPeer(connection, peer), [normal(1, "still here?")]);
});

test("a storm of requests, each cancelled at once, leaves nothing behind", async () => {
  let running = 0;
  const { connection, peer, errors } = serverAndPeer((_, { signal }) => {
    running++;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        running--;
        reject(signal.reason);
      });
    });
  }, { maxConcurrentRpcs: 100 });
  const sending = sendAll(peer, 100_000, (i) => i % 2 === 0 ? normal(i / 2) : cancel((i - 1) / 2));
  for (let id = 0; id < 50_000; id++) {
    const answer = await peer.next();
    if (answer.id !== id || answer.code !== 1) assertEquals(answer, cancel(id));
  }
  await sending;
  assertEquals(await endPeer(connection, peer), []);
  assertEquals(running, 0);
  assertEquals(errors, []);
});

for (const kind of ["a value", "a promise", "a stream"]) {
  test(`a hundred thousand requests without reading a response, ${kind}`, async () => {
    let handled = 0;
    const { connection, peer } = serverAndPeer(({ id }) => {
      handled++;
      const answer = body("x".repeat(1000) + id);
      if (kind === "a value") return answer;
      if (kind === "a promise") return Promise.resolve(answer);
      return (async function* () {
        for (;;) yield answer;
      })();
    }, { maxConcurrentRpcs: 50 });
    const sending = outcome(sendAll(peer, 100_000, normal));
    const stopped = await quiet(() => handled);
    // Those at work, and the kilobyte answers that the transport took.
    assert(stopped < 50 + 1000, `${stopped} requests were handled, and no answer was read`);
    connection.abort();
    await soon(sending, "the flood to break");
  });
}

test("a hundred thousand requests with one id", async () => {
  const { connection, peer } = serverAndPeer(({ body: asked }) => {
    return Number(asked) % 2 === 0 ? body(asked) : Promise.resolve(body(asked));
  });
  const sending = sendAll(peer, 100_000, (i) => normal(7, i));
  const answered = new Set<unknown>();
  for (let i = 0; i < 100_000; i++) {
    const answer = await peer.next();
    if (answer.id !== 7 || answer.code !== 0) assertEquals(answer, normal(7));
    answered.add(answer.body);
  }
  await sending;
  assertEquals(answered.size, 100_000);
  assertEquals(await endPeer(connection, peer), []);
});

test("handlers that never settle are bounded by maxConcurrentRpcs", async () => {
  let handled = 0;
  const { connection, peer } = serverAndPeer(() => {
    handled++;
    return new Promise(() => {});
  }, { maxConcurrentRpcs: 10 });
  const sending = outcome(sendAll(peer, 100_000, normal));
  assertEquals(await quiet(() => handled), 10);
  peer.abort();
  assertEquals((await soon(connection.closed, "the end")).kind, "error");
  await sending;
  assertEquals(handled, 10);
});

test("a server that floods a client with unsolicited responses", async () => {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: 1 });
  const call = client.unary(body("a"));
  const { id } = await peer.next();
  await sendAll(peer, 100_000, (i) => [normal, cancel, end][i % 3]!(i + 1000));
  await peer.send(normal(id, "here"));
  assertEquals((await soon(call, "the answer")).body, "here");
  assertEquals(client.inFlight, 0);
  assertEquals(await closeClient(client, peer), []);
});

test("a server that answers a unary call a hundred thousand times", async () => {
  const { client, peer } = clientAndPeer();
  const call = client.unary(body("a"));
  const { id } = await peer.next();
  await sendAll(peer, 100_000, (i) => normal(id, i));
  assertEquals((await soon(call, "the answer")).body, 0);
  // It looks like a stream that would go on for nobody.
  assertEquals(await closeClient(client, peer), [cancel(id)]);
});

test("a client that calls and cancels fifty thousand times keeps nothing", async () => {
  const { client, peer } = clientAndPeer();
  for (let round = 0; round < 500; round++) {
    const controller = new AbortController();
    const calls = Array.from({ length: 100 }, () => outcome(client.unary(body(0), controller)));
    // In every other round they have left; else nothing is sent of them.
    if (round % 2 === 0) await peer.take(100);
    controller.abort();
    assertEquals(client.inFlight, 0);
    await Promise.all(calls);
    if (round % 2 === 0) {
      assert((await peer.take(100)).every(({ code }) => code === 1));
    }
  }
  assertEquals(await closeClient(client, peer), []);
});
