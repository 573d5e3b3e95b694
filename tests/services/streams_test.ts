// Streams of typed services on a real socket: of responses, of requests, and both.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Metadata, ServiceError } from "@protosocket/protosocket/services";
import { deferred, soon } from "../support/within.ts";
import { all, fails, onSocket } from "./support.ts";

const symbols = (quotes: { symbol: string }[]) => quotes.map(({ symbol }) => symbol).join("");

async function* letters(text: string) {
  for (const symbol of text) yield { symbol };
}

test("a stream of responses, from a generator of either kind, and from an array", async () => {
  await using ends = await onSocket({
    async *watchQuotes({ symbol }) {
      yield* letters(symbol);
    },
    trade: () => [{ symbol: "x" }, { symbol: "y" }],
  });
  assertEquals(symbols(await soon(all(ends.prices.watchQuotes({ symbol: "abc" })), "it")), "abc");
  assertEquals(symbols(await soon(all(ends.prices.watchQuotes({})), "an empty one")), "");
  assertEquals(symbols(await soon(all(ends.prices.trade([])), "an array")), "xy");
});

test("a stream that fails before, between and after its items", async () => {
  const no = () => new ServiceError("aborted", "no more", { metadata: new Metadata({ a: "b" }) });
  await using ends = await onSocket({
    *watchQuotes({ count }) {
      for (let i = 0; i < count; i++) yield { cents: i };
      throw no();
    },
    async *trade(requests) {
      for await (const { count } of requests) {
        if (count === 0) throw no();
        yield { cents: count };
      }
    },
  });
  for (const count of [0, 1, 3]) {
    const stream = ends.prices.watchQuotes({ count });
    for (let i = 0; i < count; i++) assertEquals((await soon(stream.next(), "it")).done, false);
    const error = await fails(stream.next(), "aborted");
    assertEquals([error.message, error.metadata?.get("a")], ["no more", "b"]);
    assertEquals((await soon(stream.next(), "the end")).done, true);
  }
  const stream = ends.prices.trade([{ count: 1 }, { count: 0 }, { count: 2 }]);
  assertEquals((await soon(stream.next(), "it")).value?.cents, 1);
  await fails(stream.next(), "aborted");
  while (ends.client.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("metadata comes with the first item, trailers at the end, and trailers alone", async () => {
  await using ends = await onSocket({
    *watchQuotes({ count }, { responseMetadata, trailers }) {
      responseMetadata.set("m", "1");
      for (let i = 0; i < count; i++) yield { cents: i };
      trailers.set("t", "2");
    },
  });
  for (const count of [0, 2]) {
    const seen: string[] = [];
    const quotes = await soon(
      all(ends.prices.watchQuotes({ count }, {
        onMetadata: (metadata) => seen.push(`m${metadata.get("m")}`),
        onTrailers: (trailers) => seen.push(`t${trailers.get("t")}`),
      })),
      "the stream",
    );
    assertEquals([quotes.length, seen], [count, ["m1", "t2"]]);
  }
});

test("a stream that is left is left at the server, also before its first item", async () => {
  const left = [deferred(), deferred()];
  const begun = deferred();
  await using ends = await onSocket({
    async *watchQuotes({ count }, { signal }) {
      begun.resolve();
      signal.addEventListener("abort", () => left[count]!.resolve());
      for (;;) {
        if (count > 0) yield {};
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
    },
  });
  const first = ends.prices.watchQuotes({ count: 0 });
  await soon(begun.promise, "the handler");
  await soon(first.return!(), "it to be left");
  await soon(left[0]!.promise, "the server");
  for await (const _ of ends.prices.watchQuotes({ count: 1 })) break;
  await soon(left[1]!.promise, "the server");
});

test("the deadline ends a stream, at whichever end, in whatever it waits for", async () => {
  await using ends = await onSocket({
    async *watchQuotes() {
      yield {};
      await new Promise(() => {});
    },
    putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  });
  const stream = ends.prices.watchQuotes({}, { timeout: 50 });
  const items: unknown[] = [];
  await fails(
    all((async function* () {
      for await (const item of stream) {
        items.push(item);
        yield item;
      }
    })()),
    "deadline-exceeded",
  );
  assert(items.length <= 1);
  const never = async function* () {
    yield {};
    await new Promise(() => {});
  };
  await fails(ends.prices.putQuotes(never(), { timeout: 50 }), "deadline-exceeded");
});

test("a stream of requests, from an array and a generator, and an empty one", async () => {
  await using ends = await onSocket({
    async putQuotes(quotes) {
      let count = 0;
      let cents = 0n;
      for await (const quote of quotes) {
        count++;
        cents += BigInt(quote.cents);
      }
      return { count, cents };
    },
  });
  const { prices } = ends;
  const some = [{ cents: 1 }, { cents: 2 }, {}];
  const sums = await soon(
    Promise.all([
      prices.putQuotes(some),
      prices.putQuotes([]),
      prices.putQuotes((async function* () {
        yield* some;
      })()),
    ]),
    "the sums",
  );
  assertEquals(sums.map(({ count, cents }) => [count, cents]), [[3, 3n], [0, 0n], [3, 3n]]);
});

test("both ways at once: each answer comes before the next request", async () => {
  await using ends = await onSocket({
    async *trade(requests) {
      for await (const { symbol } of requests) yield { symbol: symbol.toUpperCase() };
      yield { symbol: "!" };
    },
  });
  const answered: string[] = [];
  let next = deferred();
  async function* requests() {
    for (const symbol of "abc") {
      yield { symbol };
      await next.promise;
      next = deferred();
    }
  }
  for await (const { symbol } of ends.prices.trade(requests())) {
    answered.push(symbol);
    next.resolve();
  }
  assertEquals(answered.join(""), "ABC!");
});

test("a handler that answers before the half-close ends the stream of requests", async () => {
  const left = deferred();
  await using ends = await onSocket({
    async putQuotes(quotes) {
      const { value } = await quotes.next();
      return { count: value?.cents ?? 0 };
    },
  });
  async function* requests() {
    try {
      for (let cents = 7;; cents++) yield { cents };
    } finally {
      left.resolve();
    }
  }
  assertEquals((await soon(ends.prices.putQuotes(requests()), "an answer")).count, 7);
  await soon(left.promise, "the source to be left");
});

test("a source that throws fails the call, and cancels it at the server", async () => {
  const cancelled = deferred<ServiceError>();
  await using ends = await onSocket({
    async putQuotes(quotes, { signal }) {
      signal.addEventListener("abort", () => cancelled.resolve(signal.reason));
      return { count: (await all(quotes)).length };
    },
  });
  const call = ends.prices.putQuotes((function* () {
    yield {};
    throw new Error("no more");
  })());
  await soon(
    call.then(() => assert(false), (error) => assertEquals(error.message, "no more")),
    "the failure",
  );
  assertEquals((await soon(cancelled.promise, "the server")).code, "cancelled");
  assertEquals(ends.errors, []);
});

test("a request of a stream that is not valid fails the call", async () => {
  await using ends = await onSocket({
    putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  });
  await fails(ends.prices.putQuotes([{}, { cents: -1 }]), "invalid-argument");
});

test("a handler that does not read stops the source, and nobody else", async () => {
  const go = deferred();
  await using ends = await onSocket({
    async putQuotes(quotes) {
      await quotes.next();
      await go.promise;
      return { count: 1 + (await all(quotes)).length };
    },
    getQuote: () => ({}),
  }, { maxBufferedBytes: 10_000 });
  let made = 0;
  const extra = new Uint8Array(1000);
  function* requests() {
    for (; made < 1000; made++) yield { extra };
  }
  const call = ends.prices.putQuotes(requests());
  // As many round trips as it might take to send more.
  for (let i = 0; i < 50; i++) await soon(ends.prices.getQuote({}), "another call");
  assert(made > 1 && made < 30, `${made} were made`);
  go.resolve();
  assertEquals((await soon(call, "an answer")).count, 1000);
});

test("a reader that does not read stops its stream, and nobody else", async () => {
  let made = 0;
  await using ends = await onSocket({
    *watchQuotes() {
      const extra = new Uint8Array(1000);
      for (; made < 2000; made++) yield { extra };
    },
    getQuote: () => ({}),
  }, { connection: { maxBufferedBytes: 10_000 } });
  const stream = ends.prices.watchQuotes({});
  for (let i = 0; i < 20; i++) await soon(ends.prices.getQuote({}), "another call");
  assert(made < 100, `${made} were made`);
  assertEquals((await soon(all(stream), "the stream")).length, 2000);
});

test("many streams of requests at once", async () => {
  await using ends = await onSocket({
    async *trade(requests) {
      for await (const { count } of requests) yield { cents: count };
    },
  }, { maxConcurrentRpcs: 5 });
  const streams = Array.from({ length: 20 }, (_, i) =>
    all(ends.prices.trade((async function* () {
      for (let count = 0; count < 50; count++) {
        if (count % 10 === i % 10) await Promise.resolve();
        yield { count };
      }
    })())));
  for (const quotes of await soon(Promise.all(streams), "the streams")) {
    assertEquals(quotes.map(({ cents }) => cents), Array.from({ length: 50 }, (_, i) => i));
  }
});

test("a stream of requests for a method that takes one is refused, and the reverse", async () => {
  await using ends = await onSocket({
    getQuote: () => ({}),
    putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  });
  const { createClient } = await import("@protosocket/protosocket/services");
  const { Prices } = await import("./support.ts");
  const { getQuote, putQuotes } = Prices.methods;
  const wrong = createClient({
    name: "",
    methods: {
      getQuote: { ...getQuote, kind: "client_streaming" as const },
      putQuotes: { ...putQuotes, kind: "unary" as const },
    },
  }, ends.client);
  await fails(wrong.getQuote([{}]), "unimplemented");
  await fails(wrong.putQuotes({}), "unimplemented");
});

test("iterators by hand at both ends, with and without a deadline", async () => {
  // deno-lint-ignore no-explicit-any
  const byHand = (give: (n: number) => any): any => {
    let n = 0;
    const iterator = { next: () => give(n++), return: () => ({ done: true, value: undefined }) };
    return { ...iterator, [Symbol.asyncIterator]: () => iterator };
  };
  const item = (n: number) => ({ done: n === 2, value: { symbol: "ab"[n], cents: n } });
  const throws = () => {
    throw new Error("by hand");
  };
  const ways: Readonly<Record<string, (n: number) => unknown>> = {
    now: item,
    later: (n) => Promise.resolve(item(n)),
    throws: (n) => n === 2 ? throws() : item(n),
    rejects: (n) => n === 2 ? Promise.reject(new Error("by hand")) : item(n),
    nothing: (n) => n === 2 ? undefined : item(n),
    invalid: (n) => ({ done: false, value: n === 2 ? 5 : item(n).value }),
  };
  await using ends = await onSocket({
    watchQuotes: ({ symbol }) => byHand(ways[symbol]!),
    async *trade(orders) {
      for await (const { count } of orders) yield { cents: count };
    },
  });
  for (const timeout of [undefined, 60_000]) {
    const options = timeout === undefined ? undefined : { timeout };
    for (const symbol of ["now", "later"]) {
      const quotes = await soon(all(ends.prices.watchQuotes({ symbol }, options)), symbol);
      assertEquals(symbols(quotes), "ab");
    }
    for (const symbol of ["throws", "rejects", "nothing", "invalid"]) {
      const stream = ends.prices.watchQuotes({ symbol }, options);
      for (const letter of "ab") {
        assertEquals((await soon(stream.next(), symbol)).value?.symbol, letter);
      }
      await fails(stream.next(), "internal");
      assertEquals(ends.errors.splice(0).length, 1, symbol);
    }
    for (const way of ["now", "later"]) {
      const orders = byHand((n) => n === 2 ? { done: true } : ways[way]!(n));
      const answers = await soon(all(ends.prices.trade(orders, options)), way);
      assertEquals(answers.length, 2);
    }
    for (const way of ["throws", "rejects"]) {
      const error = await all(ends.prices.trade(byHand(ways[way]!), options)).catch((error) =>
        error
      );
      assertEquals(String(error), "Error: by hand");
    }
  }
});
