import { assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  body,
  cancel,
  end,
  type Message,
  normal,
  RESERVED,
  serverAndPeer,
} from "../../support/rpc.ts";
import { deferred, soon } from "../../support/within.ts";

test("a client that has ended its side still gets all its answers, then the end", async () => {
  const unary = deferred<Message>();
  const items = [1, 2, 3].map(() => deferred());
  const { connection, peer } = serverAndPeer(({ body: asked }) => {
    if (asked === "unary") return unary.promise;
    return (async function* () {
      for (const [i, item] of items.entries()) {
        await item.promise;
        yield body(i);
      }
    })();
  });
  await peer.send(normal(1, "unary"), normal(2, "stream"));
  await peer.end();
  items[0]!.resolve();
  assertEquals(await peer.next(), normal(2, 0));
  unary.resolve(body("answer"));
  assertEquals(await peer.next(), normal(1, "answer"));
  items[1]!.resolve();
  assertEquals(await peer.next(), normal(2, 1));
  items[2]!.resolve();
  assertEquals(await peer.rest(), [normal(2, 2), end(2)]);
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});

test("a thousand answers wait for a client that has ended its side and reads late", async () => {
  const { connection, peer } = serverAndPeer(
    ({ body: asked }) => asked === 0 ? body("x".repeat(10_000)) : Promise.resolve(body("later")),
    {},
    { capacity: 1 },
  );
  await peer.send(...Array.from({ length: 1000 }, (_, i) => normal(i, i % 2)));
  await peer.end();
  const answers = await peer.rest();
  assertEquals(answers.map(({ id }) => Number(id)).sort((a, b) => a - b), [...Array(1000).keys()]);
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});

test("requests beyond the bound are still worked on after the client's end", async () => {
  const { connection, peer } = serverAndPeer(
    async ({ id }) => {
      await new Promise((resolve) => setTimeout(resolve));
      return body(id);
    },
    { maxConcurrentRpcs: 1 },
  );
  await peer.send(...Array.from({ length: 20 }, (_, i) => normal(i)));
  await peer.end();
  assertEquals(await peer.rest(), Array.from({ length: 20 }, (_, i) => normal(i, i)));
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});

test("an end without anything in flight ends the connection", async () => {
  const { connection, peer } = serverAndPeer(() => body("never"));
  await peer.end();
  assertEquals(await peer.rest(), []);
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});

test("a cancelled RPC does not delay the end, whatever its handler does", async () => {
  const { connection, peer } = serverAndPeer(() => new Promise(() => {}), {
    drainTimeout: 2 ** 31 - 1,
  });
  await peer.send(normal(1), cancel(1));
  await peer.end();
  assertEquals(await peer.rest(), [cancel(1)]);
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});

test("a handler that never settles holds an ended connection until drainTimeout", async () => {
  const signals: AbortSignal[] = [];
  const { connection, peer } = serverAndPeer((_, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  }, { drainTimeout: 20 });
  await peer.send(normal(1));
  await peer.end();
  const reason = await soon(connection.closed, "the end");
  assertEquals(reason.kind === "error" && reason.error.code, "drain-timeout");
  assertEquals(signals[0]!.aborted, true);
});

test("requests that wait when the client ends its side are all answered, the last one too", async () => {
  const { connection, peer } = serverAndPeer(
    ({ body: asked }) => [body(asked), body(asked)].values(),
    { maxConcurrentRpcs: 3 },
  );
  // With this window, streams wait after each item for the client, which ends instead.
  await peer.send(end(RESERVED + 1));
  for (let i = 0; i < 100; i++) await peer.send(normal(2 * i + 1, i));
  const [answers] = await Promise.all([peer.rest(), peer.end()]);
  assertEquals(answers.filter(({ code }) => code === 0).length, 200);
  assertEquals(answers.filter(({ code }) => code === 2).length, 100);
  assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
});
