// What a pool tries again, where it sends calls with a key, and what is made twice.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { createClient, ServiceError } from "@protosocket/protosocket/services";
import { deferred, fired, soon } from "../support/within.ts";
import { type Ends, fails, onSocket, Prices, type PricesHandlers } from "./support.ts";

/** A pool of one connection to each of some servers. */
function poolOf(ends: readonly Ends[]) {
  return new RpcPool({
    endpoints: ends.map((_, i) => i),
    slots: ends.length,
    connect: (i) => ends[i]!.connect(),
  });
}

test("an idempotent method is tried again where another is not", async () => {
  const calls: string[] = [];
  const handlers = (name: string): PricesHandlers => ({
    getQuote(_, { connection }) {
      calls.push(`get ${name}`);
      if (calls.length > 1) return { symbol: name };
      connection.close();
      return new Promise(() => {});
    },
    setQuote(_, { connection }) {
      calls.push(`set ${name}`);
      connection.close();
      return new Promise(() => {});
    },
  });
  await using a = await onSocket(handlers("a"));
  await using b = await onSocket(handlers("b"));
  await using pool = poolOf([a, b]);
  const prices = createClient(Prices, pool);
  const { symbol } = await soon(prices.getQuote({}), "an answer");
  assertEquals(calls.length, 2);
  assertEquals(calls[1], `get ${symbol}`);
  const error = await fails(prices.setQuote({}), "unavailable");
  assertEquals([error.begun, calls.length], [undefined, 3]);
});

test("calls with the same text as their key go to the same server", async () => {
  const handlers = (name: string): PricesHandlers => ({ getQuote: () => ({ symbol: name }) });
  await using a = await onSocket(handlers("a"));
  await using b = await onSocket(handlers("b"));
  await using pool = poolOf([a, b]);
  const prices = createClient(Prices, pool);
  const servers = new Set<string>();
  for (let user = 0; user < 16; user++) {
    const key = `user ${user}`;
    const { symbol } = await soon(prices.getQuote({}, { key }), "an answer");
    const again = await Promise.all([1, 2, 3].map(() => prices.getQuote({}, { key })));
    assertEquals(again.map(({ symbol }) => symbol), [symbol, symbol, symbol]);
    servers.add(symbol);
  }
  assertEquals(servers.size, 2);
});

test("a slow call is made once more, and the first answer counts", async () => {
  let calls = 0;
  const cancelled = deferred<ServiceError>();
  const handlers: PricesHandlers = {
    getQuote(_, { signal }) {
      if (++calls > 1) return { cents: calls };
      signal.addEventListener("abort", () => cancelled.resolve(signal.reason));
      return new Promise(() => {});
    },
    setQuote: (quote) => {
      calls++;
      return quote;
    },
  };
  await using ends = await onSocket(handlers, { client: { hedgeAfter: 5 } });
  assertEquals((await soon(ends.prices.getQuote({}), "an answer")).cents, 2);
  assertEquals((await soon(cancelled.promise, "the other's end")).code, "cancelled");
  // One that is not idempotent is not.
  await soon(ends.prices.setQuote({}), "an answer");
  assertEquals(calls, 3);
});

test("a pool sends a call that is made once more to another server, if there is one", async () => {
  const slow = new Set<string>();
  const handlers = (name: string): PricesHandlers => ({
    getQuote() {
      // Who gets a call first does not answer.
      if (slow.size > 0) return { symbol: name };
      slow.add(name);
      return new Promise(() => {});
    },
  });
  await using a = await onSocket(handlers("a"));
  await using b = await onSocket(handlers("b"));
  await using pool = new RpcPool({
    endpoints: [a, b],
    endpointKey: (ends) => ends === a ? "a" : "b",
    connectionsPerEndpoint: 4,
    connect: (ends) => ends.connect(),
  });
  const prices = createClient(Prices, pool, { hedgeAfter: 2 });
  const keys = Array.from({ length: pool.size }, (_, key) => key);
  await soon(Promise.all(keys.map((key) => pool.client({ key }))), "all connections");
  for (let i = 0; i < 40; i++) {
    slow.clear();
    const { symbol } = await soon(prices.getQuote({}), "an answer");
    assert(!slow.has(symbol), `${symbol} got the call twice`);
  }
  // The only one there is gets it again.
  await b.server.close({ timeout: 0 });
  slow.clear();
  assertEquals((await soon(prices.getQuote({}), "an answer")).symbol, "a");
});

test("a hedged call fails when all of its attempts have, or its signal fires", async () => {
  let calls = 0;
  const both = deferred();
  await using ends = await onSocket({
    async getQuote() {
      if (++calls === 2) both.resolve();
      await both.promise;
      throw new ServiceError("aborted", "no");
    },
  });
  await fails(ends.prices.getQuote({}, { hedgeAfter: 1 }), "aborted");
  assertEquals(calls, 2);
  const abort = new AbortController();
  abort.abort(new Error("enough"));
  const call = ends.prices.getQuote({}, { hedgeAfter: 1, signal: abort.signal });
  await call.then(() => assert(false), (error) => assertEquals(error.message, "enough"));
});

test("a hedged call is over when the time of its first attempt is", async () => {
  const signals: AbortSignal[] = [];
  const late = deferred<never>();
  const transport = {
    unary(_: unknown, { signal }: { signal?: AbortSignal } = {}) {
      // Neither is answered.
      if (signals.push(signal!) === 1) return late.promise;
      late.reject(new RpcError("deadline-exceeded", "No answer within 10 ms"));
      return new Promise<never>(() => {});
    },
    streaming() {
      throw new Error("Not called");
    },
  };
  const prices = createClient(Prices, transport, { hedgeAfter: 1 });
  await fails(soon(prices.getQuote({}), "the end"), "deadline-exceeded");
  assertEquals(signals.map(({ aborted }) => aborted), [true, true]);
});

test("the second attempt of a hedged call has what is left of its time", async () => {
  const timeouts: number[] = [];
  const transport = {
    async unary(_: unknown, { timeout }: { timeout?: number } = {}) {
      if (timeouts.push(timeout!) === 1) return await new Promise<never>(() => {});
      throw new RpcError("deadline-exceeded", "No answer");
    },
    streaming() {
      throw new Error("Not called");
    },
  };
  const prices = createClient(Prices, transport, { hedgeAfter: 10, timeout: 60_000 });
  await fails(soon(prices.getQuote({}), "the end"), "deadline-exceeded");
  const [first, second] = timeouts;
  assert(second! < first!, `${timeouts}`);
});

test("a stream of requests that was begun is not tried again: it can be read once only", async () => {
  let calls = 0;
  await using ends = await onSocket({
    async putQuotes(quotes, { connection }) {
      calls++;
      await quotes.next();
      connection.close();
      return await new Promise<never>(() => {});
    },
  });
  await using pool = poolOf([ends]);
  const prices = createClient(Prices, pool);
  const quotes = (function* () {
    for (;;) yield {};
  })();
  await fails(prices.putQuotes(quotes, { idempotent: true }), "unavailable");
  assertEquals([calls, quotes.next().done], [1, true]);
});

test("a server that drains answers what it has, and refuses the rest as not begun", async () => {
  const begun = deferred();
  const go = deferred();
  await using ends = await onSocket({
    async getQuote() {
      begun.resolve();
      await go.promise;
      return { cents: 1 };
    },
  });
  const first = ends.prices.getQuote({});
  await soon(begun.promise, "the handler");
  const closed = ends.server.close({ timeout: 10_000 });
  while (ends.client.isAlive) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals((await fails(ends.prices.getQuote({}), "unavailable")).begun, false);
  go.resolve();
  assertEquals((await soon(first, "an answer")).cents, 1);
  await soon(closed, "the server's end");
});

test("a server whose time to drain is up says so: unavailable", async () => {
  const begun = deferred();
  await using ends = await onSocket({
    async *watchQuotes(_, { signal }) {
      yield {};
      await fired(signal);
    },
    getQuote(_, { signal }) {
      begun.resolve();
      return new Promise((_, reject) => signal.addEventListener("abort", reject));
    },
  });
  const stream = ends.prices.watchQuotes({});
  await soon(stream.next(), "an item");
  const call = ends.prices.getQuote({});
  await soon(begun.promise, "the handler");
  const closed = ends.server.close({ timeout: 1 });
  const error = await fails(call, "unavailable");
  assertEquals([error.message, error.begun], ["The server is shutting down", undefined]);
  await fails(stream.next(), "unavailable");
  await soon(closed, "the server's end");
  assertEquals(ends.errors, []);
});

test("a hedged call that is a mistake fails at once, and is not made once more", async () => {
  let calls = 0;
  const transport = {
    unary() {
      calls++;
      throw new RangeError("A mistake");
    },
    streaming() {
      throw new Error("Not called");
    },
  };
  const prices = createClient(Prices, transport, { hedgeAfter: 1 });
  await assertRejects(() => prices.getQuote({}, { idempotent: true }), RangeError, "A mistake");
  // Behind the timer of the second attempt, if it is still there.
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(calls, 1);
});
