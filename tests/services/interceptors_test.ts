// Interceptors at both ends, in one form for all kinds of methods.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  type Body,
  type Client,
  createClient,
  defineService,
  implement,
  type Interceptor,
  type ServerInterceptor,
  ServiceError,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { deferred, soon } from "../support/within.ts";
import { all, fails, memoryTest, onSocket, type PricesHandlers } from "./support.ts";

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

/** Says how calls end, and the streams of their answers. */
function ends(seen: string[]): Interceptor {
  const tell = (error: unknown): never => {
    seen.push(error instanceof ServiceError ? error.code : String(error));
    throw error;
  };
  return (next) => async (call) => {
    const answer = await next(call).catch(tell);
    if (!call.context.method.kind.match("server_|bidi_")) return answer;
    return (async function* () {
      try {
        yield* answer as AsyncIterable<unknown>;
      } catch (error) {
        tell(error);
      }
    })();
  };
}

const text = z.string();
const Texts = defineService("a.Texts", {
  one: { request: text, response: text },
  many: { kind: "server_streaming", request: text, response: text },
  sum: { kind: "client_streaming", request: text, response: text },
  both: { kind: "bidi_streaming", request: text, response: text },
});
type TextCalls = Client<typeof Texts>;
const TEXT_CALLS: readonly ((texts: TextCalls) => Promise<unknown>)[] = [
  (texts) => texts.one("x"),
  (texts) => all(texts.many("x")),
  (texts) => texts.sum([]),
  (texts) => all(texts.both([])),
];

memoryTest("a stream behind one is left while it waits for its next item", async (inMemory) => {
  const left = deferred();
  const waits = deferred();
  const Ticks = defineService("a.Ticks", {
    watch: { kind: "server_streaming", request: z.string(), response: z.string() },
  });
  const ticks = implement(Ticks, {
    watch: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => (waits.resolve(), new Promise<never>(() => {})),
        return: () => (left.resolve(), Promise.resolve({ done: true, value: undefined })),
      }),
    }),
  });
  const client = createClient(Ticks, inMemory([ticks], { interceptors: [(next) => next] }));
  const stream = client.watch("all");
  const reading = stream.next();
  await soon(waits.promise, "the handler to wait");
  await stream.return();
  await soon(left.promise, "the handler's stream to be left");
  assertEquals(await reading, { done: true, value: undefined });
});

memoryTest(
  "one at a server sees what a handler answers wrongly, of each kind",
  async (inMemory) => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const left: string[] = [];
    // deno-lint-ignore no-explicit-any
    const wrong: any = {
      one: () => 5,
      *many() {
        try {
          yield* ["fine", 5];
        } finally {
          left.push("many");
        }
      },
      sum: () => Promise.resolve(5),
      async *both() {
        try {
          yield 5;
        } finally {
          left.push("both");
        }
      },
    };
    const onError = (error: unknown) => errors.push(error);
    const options = { interceptors: [ends(seen)], onError };
    const texts = createClient(Texts, inMemory([implement(Texts, wrong)], options));
    for (const call of TEXT_CALLS) await fails(call(texts), "internal");
    assertEquals(seen, Array(4).fill("internal"));
    assertEquals(errors.length, 4);
    assertEquals(left, ["many", "both"]);
  },
);

memoryTest(
  "one at a client sees an answer that is not valid, or cannot be decoded, of each kind",
  async (inMemory) => {
    const invalid = z.any();
    const Others = defineService("a.Texts", {
      one: { request: text, response: invalid },
      many: { kind: "server_streaming", request: text, response: invalid },
      sum: { kind: "client_streaming", request: text, response: invalid },
      both: { kind: "bidi_streaming", request: text, response: invalid },
    });
    const { encoding } = Texts.methods.one;
    const garbage: Body<unknown, unknown> = {
      encode: (_, out) => out.write(new Uint8Array([0xff, 0xfe])),
      decode: () => undefined,
    };
    const Garbage = {
      name: "a.Texts",
      methods: Object.fromEntries(
        Object.entries(Others.methods).map(([name, method]) => [
          name,
          { ...method, encoding, response: garbage },
        ]),
      ),
    };
    for (const service of [Others, Garbage] as (typeof Others)[]) {
      const seen: string[] = [];
      const handlers = implement(service, {
        one: () => 5,
        many: () => [5],
        sum: () => 5,
        both: () => [5],
      });
      const texts = createClient(Texts, inMemory([handlers]), { interceptors: [ends(seen)] });
      for (const call of TEXT_CALLS) await fails(call(texts), "internal");
      assertEquals(seen, Array(4).fill("internal"));
    }
  },
);
