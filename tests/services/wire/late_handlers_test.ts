// Handlers that go on after their deadline has passed, which a client can have at once.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { deferred, soon } from "../../support/within.ts";
import { onSocket, type PricesHandlers } from "../support.ts";
import { END, STREAMS, wireClient } from "./peer.ts";

/** An iterator that cannot be left: only its pending `next()` says whether it still runs. */
function byHand(end: Promise<unknown>) {
  const next = async () => (await end, { done: true, value: undefined } as const);
  return { next, [Symbol.asyncIterator]: () => ({ next }) };
}

const HANDLERS: Record<string, (end: Promise<unknown>) => PricesHandlers> = {
  "one that returns a promise": (end) => ({
    async getQuote() {
      await end;
      return {};
    },
  }),
  "one that promises a stream": (end) => ({
    // Not as its type says, but as interceptors make of one that is.
    watchQuotes: (() => end.then(() => [])) as unknown as () => [],
  }),
  "a generator": (end) => ({
    async *watchQuotes() {
      await end;
      yield {};
    },
  }),
  "an iterator by hand": (end) => ({ watchQuotes: () => byHand(end) }),
};

for (const [what, handlersUntil] of Object.entries(HANDLERS)) {
  test(`a handler counts until it has returned, though its call was late: ${what}`, async () => {
    const end = deferred();
    let begun = 0;
    const handlers = handlersUntil(end.promise);
    const [name, handler] = Object.entries(handlers)[0]!;
    const counted = (...args: unknown[]) => (begun++, Reflect.apply(handler, handlers, args));
    await using ends = await onSocket({ [name]: counted }, { maxConcurrentRpcs: 2 });
    await using client = await wireClient((ends.server.address as { port: number }).port);
    const method = `protosocket.test.Prices/${name[0]!.toUpperCase()}${name.slice(1)}`;
    const isLate = name === "getQuote" ? [4n, 6n] : [5n, 7n];
    for (const id of isLate) await client.send({ id, method, timeoutUs: 100_000n });
    for (const id of isLate) {
      await client.take("a failure", ({ id: of, status }) => of === id && status?.code === 4);
    }
    assertEquals(begun, 2);
    await client.send({ id: 9n, method, timeoutUs: 100_000n }, { id: STREAMS, code: END });
    await client.take("an answer that does not wait", ({ id }) => id > STREAMS);
    assertEquals(begun, 2, "a third handler began while two ran");
    end.resolve();
    await client.take("an answer", ({ id }) => id === 9n);
    assertEquals(begun, 3);
    assert(await soon(ends.server.close(), "the server's end") === undefined);
  });
}
