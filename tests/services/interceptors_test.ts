// Interceptors at both ends, in one form for all kinds of methods.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  type Interceptor,
  type ServerInterceptor,
  ServiceError,
} from "@protosocket/protosocket/services";
import { soon } from "../support/within.ts";
import { all, fails, onSocket, type PricesHandlers } from "./support.ts";

const handlers: PricesHandlers = {
  getQuote: ({ symbol }, { values }) => ({ symbol: `${symbol}${values.get("user") ?? ""}` }),
  watchQuotes: ({ symbol }) => [{ symbol }, { symbol }],
  putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  async *trade(requests) {
    for await (const { symbol } of requests) yield { symbol };
  },
};

/** Notes which calls passed, and how they ended. */
function notes(name: string, log: string[]): Interceptor {
  return (next) => async (call) => {
    const method = call.context.method.path.split("/")[1];
    log.push(`${name} ${method}`);
    try {
      const answer = await next(call);
      log.push(`${name} ok`);
      return answer;
    } catch (error) {
      log.push(`${name} ${(error as ServiceError).code}`);
      throw error;
    }
  };
}

test("they see calls of all kinds, the first outermost, at both ends", async () => {
  const log: string[] = [];
  await using ends = await onSocket(handlers, {
    interceptors: [notes("c", log), notes("d", log)],
    client: { interceptors: [notes("a", log), notes("b", log)] },
  });
  const { prices } = ends;
  await soon(prices.getQuote({ symbol: "X" }), "an answer");
  const all8 = ["a", "b", "c", "d"].map((name) => `${name} GetQuote`);
  assertEquals(log.splice(0), [...all8, "d ok", "c ok", "b ok", "a ok"]);
  assertEquals((await soon(all(prices.watchQuotes({ symbol: "X" })), "it")).length, 2);
  assertEquals((await soon(prices.putQuotes([{}, {}]), "it")).count, 2);
  assertEquals((await soon(all(prices.trade([{ symbol: "y" }])), "it"))[0]!.symbol, "y");
  assertEquals(log.filter((line) => line.startsWith("d ") && line !== "d ok"), [
    "d WatchQuotes",
    "d PutQuotes",
    "d Trade",
  ]);
});

test("one authenticates: it refuses, or tells the handler who calls", async () => {
  const authenticate: ServerInterceptor = (next) => async (call) => {
    const { metadata, values } = call.context;
    const token = metadata.get("authorization");
    if (token === undefined) throw new ServiceError("unauthenticated", "Who are you?");
    values.set("user", token.replace("Bearer ", ""));
    return await next(call);
  };
  await using ends = await onSocket(handlers, { interceptors: [authenticate] });
  const metadata = { authorization: "Bearer ada" };
  await fails(ends.prices.getQuote({}), "unauthenticated");
  await fails(ends.prices.watchQuotes({}).next(), "unauthenticated");
  await fails(ends.prices.putQuotes([]), "unauthenticated");
  await fails(all(ends.prices.trade([])), "unauthenticated");
  assertEquals((await soon(ends.prices.getQuote({}, { metadata }), "it")).symbol, "ada");
});

test("one of a client changes the metadata and the request, and answers by itself", async () => {
  const cache = new Map<string, unknown>();
  const cached: Interceptor = (next) => async (call) => {
    const key = JSON.stringify(call.request);
    if (!cache.has(key)) cache.set(key, await next(call));
    return cache.get(key);
  };
  let calls = 0;
  const sign: Interceptor = (next) => (call) => {
    calls++;
    call.context.metadata.set("authorization", "Bearer grace");
    return next({ ...call, request: { symbol: "changed-" } });
  };
  await using ends = await onSocket({
    getQuote: ({ symbol }, { metadata }) => ({ symbol: symbol + metadata.get("authorization") }),
  }, { client: { interceptors: [cached, sign] } });
  for (let i = 0; i < 3; i++) {
    const quote = await soon(ends.prices.getQuote({ symbol: "X" }), "an answer");
    assertEquals(quote.symbol, "changed-Bearer grace");
  }
  assertEquals(calls, 1);
});

test("one retries a call as often as it likes", async () => {
  let calls = 0;
  const retry: Interceptor = (next) => async (call) => {
    for (let left = 3;; left--) {
      try {
        return await next(call);
      } catch (error) {
        if (!(error instanceof ServiceError && error.code === "aborted") || left === 0) throw error;
      }
    }
  };
  await using ends = await onSocket({
    getQuote() {
      if (++calls < 3) throw new ServiceError("aborted", "again");
      return {};
    },
  }, { client: { interceptors: [retry] } });
  await soon(ends.prices.getQuote({}), "an answer");
  assertEquals(calls, 3);
});

test("what one throws is told as if the handler had thrown it", async () => {
  await using ends = await onSocket(handlers, {
    interceptors: [() => () => Promise.reject(new Error("oops"))],
  });
  await fails(ends.prices.getQuote({}), "internal");
  await fails(all(ends.prices.watchQuotes({})), "internal");
  assertEquals(ends.errors.map((error) => (error as Error).message), ["oops", "oops"]);
});

test("one wraps the items of a stream", async () => {
  const count: ServerInterceptor = (next) => async (call) => {
    const answer = await next(call);
    if (!call.context.method.kind.match("server_|bidi_")) return answer;
    return (async function* () {
      let count = 0;
      for await (const item of answer as AsyncIterable<unknown>) {
        count++;
        yield item;
      }
      call.context.trailers.set("count", String(count));
    })();
  };
  await using ends = await onSocket(handlers, { interceptors: [count] });
  let counted: string | undefined;
  const onTrailers = (trailers: { get(key: string): string | undefined }) =>
    counted = trailers.get("count");
  await soon(all(ends.prices.watchQuotes({ symbol: "X" }, { onTrailers })), "it");
  assert(counted === "2");
});
