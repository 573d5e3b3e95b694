// Responses are read in the turn in which they arrive: what that must not change.
import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  inMemory,
  type Interceptor,
  type ServiceCallOptions,
  ServiceError,
  type ServiceTransport,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { runtime } from "../support/runtime.ts";
import { outcome, soon } from "../support/within.ts";
import { all, onSocket, Prices } from "./support.ts";

/** How a call can be made, each a way of its own through the client. */
const WAYS: readonly [
  name: string,
  options: ServiceCallOptions | undefined,
  interceptors: readonly Interceptor[],
][] = [
  ["without options", undefined, []],
  ["with options", { timeout: 60_000 }, []],
  ["through an interceptor", undefined, [(next) => async (call) => await next(call)]],
];

for (const [name, options, interceptors] of WAYS) {
  test(`the stack of an error shows the caller: ${name}`, async () => {
    await using ends = await onSocket({
      getQuote: () => {
        throw new ServiceError("not-found", "no such symbol");
      },
      setQuote: (quote) => quote.cents === 1 ? { cents: -1 } : new Promise(() => {}),
    });
    const prices = createClient(Prices, ends.client, { interceptors });
    // Not `soon`, whose promise is one that an engine cannot see through.
    async function thatCaller(call: () => Promise<unknown>) {
      await call();
    }
    const status = await outcome(thatCaller(() => prices.getQuote({}, options)));
    const unsent = await outcome(thatCaller(() => prices.setQuote({ cents: 1 }, options)));
    const lost = outcome(thatCaller(() => prices.setQuote({}, options)));
    ends.client.abort();
    for (const end of [status, unsent, await soon(lost, "the other")]) {
      const error = end.kind === "error" ? end.error as Error : undefined;
      if (runtime !== "bun") assertMatch(error?.stack ?? "", /async thatCaller/);
      assertEquals(error instanceof ServiceError, true);
    }
  });
}

test("a callback that throws fails its call alone, with what it threw", async () => {
  await using ends = await onSocket({
    getQuote(_, { responseMetadata, trailers }) {
      responseMetadata.set("m", "1");
      trailers.set("t", "1");
      return {};
    },
  });
  const oops = new ServiceError("aborted", "oops");
  const { stack } = oops;
  const onMetadata = () => {
    throw oops;
  };
  const calls = [{ onMetadata }, {}, { onTrailers: onMetadata }, {}].map((options) =>
    outcome(ends.prices.getQuote({}, options))
  );
  const settled = await soon(Promise.all(calls), "all");
  assertEquals(settled.map(({ kind }) => kind), ["error", "value", "error", "value"]);
  for (const end of settled) if (end.kind === "error") assertStrictEquals(end.error, oops);
  assertEquals(oops.stack, stack);
});

test("a callback that rejects is looked after: its call has its answer", async () => {
  await using ends = await onSocket({
    getQuote(_, { responseMetadata, trailers }) {
      responseMetadata.set("m", "1");
      trailers.set("t", "1");
      return {};
    },
    *watchQuotes(_, { responseMetadata, trailers }) {
      responseMetadata.set("m", "1");
      trailers.set("t", "1");
      yield {};
    },
  });
  const { prices } = ends;
  let caught = 0;
  // As an `async` one, which is a promise of `void` for TypeScript.
  const callback = () => ({
    then: (_: unknown, onRejected?: (reason: unknown) => void) => {
      if (onRejected) caught++;
    },
  });
  const options = { onMetadata: callback, onTrailers: callback };
  await soon(prices.getQuote({}, options), "the answer");
  assertEquals(caught, 2);
  assertEquals((await soon(all(prices.watchQuotes({}, options)), "the stream")).length, 1);
  assertEquals(caught, 4);
});

test("what a transport of one's own throws, or returns in place of a promise, fails its call", async () => {
  const oops = new ServiceError("aborted", "oops");
  const nothing = () => undefined as never;
  const throwing = () => {
    throw oops;
  };
  for (const [, options] of WAYS) {
    const failing = createClient(Prices, { unary: throwing, streaming: throwing });
    const first = await outcome(failing.getQuote({}, options));
    assertEquals(first, { kind: "error", error: oops });
    const silent = createClient(Prices, { unary: nothing, streaming: nothing });
    assertEquals((await outcome(silent.getQuote({}, options))).kind, "error");
  }
});

test("a validator that ends the connection settles each call once", async () => {
  let end = () => {};
  const number = z.number();
  const ending = number.transform((number) => (end(), number + 1));
  const served = defineService("tests.Numbers", { same: { request: number, response: number } });
  const called = defineService("tests.Numbers", { same: { request: number, response: ending } });
  await using ends = inMemory([implement(served, { same: (number) => number })]);
  const client = createClient(called, ends);
  assertEquals(await client.same(1), 2);
  end = () => void ends.close();
  const calls = [outcome(client.same(2)), outcome(client.same(3))];
  const [first, second] = await soon(Promise.all(calls), "both");
  assertEquals(first, { kind: "value", value: 3 });
  assertEquals(second!.kind, "error");
});

test("a transport of one's own gets messages, and its answers are read", async () => {
  await using ends = await onSocket({ getQuote: ({ symbol }) => ({ symbol }) });
  const seen: string[] = [];
  const transport: ServiceTransport = {
    async unary(request, options) {
      const response = await ends.client.unary(request, options);
      seen.push(`${request.method?.path} ${response.end > response.start}`);
      return response;
    },
    streaming: (request, options) => ends.client.streaming(request, options),
  };
  const prices = createClient(Prices, transport);
  assertEquals((await soon(prices.getQuote({ symbol: "A" }), "a")).symbol, "A");
  assertEquals(
    (await soon(prices.getQuote({ symbol: "B" }, { timeout: 60_000 }), "b")).symbol,
    "B",
  );
  assertEquals(seen, Array(2).fill("protosocket.test.Prices/GetQuote true"));
});
