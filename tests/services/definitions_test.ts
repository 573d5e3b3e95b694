// Services from what else they can be defined with: zod, valibot, ts-proto; in JSON and MessagePack.
import { assertEquals, assertMatch } from "@std/assert";
import { EncodeBuffer } from "@protosocket/protosocket";
import {
  type Body,
  createClient,
  defineService,
  implement,
  messagePackEncoding,
} from "@protosocket/protosocket/services";
import { rpcFor, serviceOf } from "@protosocket/protosocket/services-ts-proto";
import { test } from "node:test";
import * as v from "valibot";
import { z } from "zod";
import { takeAll } from "../support/codec.ts";
import { soon } from "../support/within.ts";
import { PricesDefinition, Quote, QuoteRequest } from "./proto/gen/prices.ts";
import { all, fails, memoryTest, Prices } from "./support.ts";

memoryTest(
  "zod, in JSON: each end validates what it receives, and gets what that makes of it",
  async (inMemory) => {
    const Shop = defineService("test.Shop", {
      price: {
        request: z.object({ item: z.string().min(1), count: z.number().default(1) }),
        response: z.object({
          total: z.number(),
          on: z.string().transform((text) => new Date(text)),
        }),
        idempotent: true,
      },
      items: { kind: "server_streaming", request: z.undefined(), response: z.string() },
      sum: { kind: "client_streaming", request: z.number(), response: z.number() },
      double: { kind: "bidi_streaming", request: z.number(), response: z.number() },
    });
    const shop = implement(Shop, {
      price: ({ item, count }) => ({ total: item.length * count, on: "2020-01-02T00:00:00Z" }),
      items: () => ["a", "b"],
      async sum(numbers) {
        return (await all(numbers)).reduce((sum, number) => sum + number, 0);
      },
      async *double(numbers) {
        for await (const number of numbers) yield number * 2;
      },
    });
    const client = createClient(Shop, inMemory([shop]));
    assertEquals(Shop.methods.price.idempotent, true);
    assertEquals(await soon(client.price({ item: "abc" }), "a price"), {
      total: 3,
      on: new Date("2020-01-02T00:00:00Z"),
    });
    assertEquals(await soon(all(client.items(undefined)), "the items"), ["a", "b"]);
    assertEquals(await soon(client.sum([1, 2, 3]), "the sum"), 6);
    assertEquals(await soon(all(client.double([1, 2])), "the doubles"), [2, 4]);
    const error = await fails(client.price({ item: "" }), "invalid-argument");
    assertMatch(error.message, /^The request of .*\/\w+ is not valid: item: /);
  },
);

memoryTest("valibot, in MessagePack: bytes and large integers", async (inMemory) => {
  const Files = defineService("test.Files", {
    store: {
      request: v.object({ name: v.optional(v.string()), data: v.instance(Uint8Array) }),
      response: v.object({ size: v.bigint(), none: v.nullable(v.string()) }),
    },
  }, { encoding: messagePackEncoding });
  const files = implement(Files, {
    store: ({ data }) => ({ size: 2n ** 60n + BigInt(data.length), none: null }),
  });
  const client = createClient(Files, inMemory([files]));
  const stored = await soon(client.store({ name: undefined, data: new Uint8Array(3) }), "it");
  assertEquals(stored, { size: 2n ** 60n + 3n, none: null });
  await fails(client.store({ data: 1 } as never), "invalid-argument");
});

memoryTest(
  "in MessagePack, what JSON makes of a value by toJSON, and of holes, is the same",
  async (inMemory) => {
    const dates = v.array(v.nullish(v.pipe(v.union([v.date(), v.string()]), v.toDate())));
    const Dates = defineService("test.Dates", {
      sort: { request: v.object({ dates }), response: v.object({ dates }) },
    }, { encoding: messagePackEncoding });
    const impl = implement(Dates, { sort: ({ dates }) => ({ dates }) });
    const client = createClient(Dates, inMemory([impl]));
    const some = [new Date(5), , new Date("2020-02-28")];
    const sorted = await soon(client.sort({ dates: some }), "dates");
    assertEquals(sorted.dates.map((date) => date?.getTime()), [5, undefined, 1582848000000]);
  },
);

memoryTest("a response that is not valid is the server's fault", async (inMemory) => {
  const Numbers = defineService("test.Numbers", {
    next: { request: v.number(), response: v.pipe(v.number(), v.minValue(0)) },
  });
  const numbers = implement(Numbers, { next: (number) => number - 1 });
  const client = createClient(Numbers, inMemory([numbers]));
  assertEquals(await soon(client.next(1), "a number"), 0);
  await fails(client.next(0), "internal");
});

memoryTest("an encoding that a method does not speak is unimplemented", async (inMemory) => {
  const methods = { echo: { request: v.string(), response: v.string() } };
  const Json = defineService("test.Echo", methods);
  const Packed = defineService("test.Echo", methods, { encoding: messagePackEncoding });
  const client = createClient(Packed, inMemory([implement(Json, { echo: (text) => text })]));
  await fails(client.echo("x"), "unimplemented");
});

memoryTest("ts-proto's definitions, against protobuf-es at the other end", async (inMemory) => {
  const TsPrices = serviceOf(PricesDefinition);
  assertEquals(
    Object.values(TsPrices.methods).map(({ path, kind, idempotent }) => [path, kind, idempotent]),
    Object.values(Prices.methods).map(({ path, kind, idempotent }) => [path, kind, idempotent]),
  );
  const es = implement(Prices, {
    getQuote: ({ symbol }) => ({ symbol, cents: 3 }),
    putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  });
  const client = createClient(TsPrices, inMemory([es]));
  const quote: Quote = await soon(client.getQuote({ symbol: "X", count: 1 }), "a quote");
  assertEquals([quote.symbol, quote.cents], ["X", 3]);
  const summary = await soon(client.putQuotes([quote, quote]), "a summary");
  assertEquals(summary.count, 2);

  const ts = implement(TsPrices, {
    *watchQuotes({ symbol }) {
      for (const letter of symbol) yield { symbol: letter, cents: 0, extra: new Uint8Array() };
    },
  });
  const other = createClient(Prices, inMemory([ts]));
  const quotes = await soon(all(other.watchQuotes({ symbol: "ab" })), "the stream");
  assertEquals(quotes.map(({ symbol }) => symbol), ["a", "b"]);
});

memoryTest("what ts-proto's clients run on", async (inMemory) => {
  const es = implement(Prices, {
    getQuote: ({ symbol }) => ({ symbol }),
    watchQuotes: ({ symbol }) => [{ symbol }, { symbol }],
    putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
    async *trade(requests) {
      for await (const { symbol } of requests) yield { symbol };
    },
  });
  const rpc = rpcFor(inMemory([es]));
  const request = QuoteRequest.encode({ symbol: "X", count: 0 }).finish();
  async function* requests() {
    yield request;
  }
  const service = "protosocket.test.Prices";
  const quote = await soon(rpc.request(service, "GetQuote", request), "a quote");
  assertEquals(Quote.decode(quote).symbol, "X");
  const watched = await soon(
    all(rpc.serverStreamingRequest(service, "WatchQuotes", request)),
    "it",
  );
  assertEquals(watched.map((bytes) => Quote.decode(bytes).symbol), ["X", "X"]);
  const traded = await soon(
    all(rpc.bidirectionalStreamingRequest(service, "Trade", requests())),
    "it",
  );
  assertEquals(traded.map((bytes) => Quote.decode(bytes).symbol), ["X"]);
  await soon(rpc.clientStreamingRequest(service, "PutQuotes", requests()), "a summary");
});

memoryTest("a method whose name begins as another's is not that one", async (inMemory) => {
  const text = { request: z.string(), response: z.string() };
  const Names = defineService("test.Names", { get: text, getAll: text });
  const names = implement(Names, { get: () => "one", getAll: () => "all" });
  const client = createClient(Names, inMemory([names]));
  for (let i = 0; i < 2; i++) {
    assertEquals(await soon(client.get(""), "an answer"), "one");
    assertEquals(await soon(client.getAll(""), "an answer"), "all");
  }
});

test("ts-proto: a message whose code encodes and decodes another of the service harms neither", () => {
  const { request, response } = serviceOf(PricesDefinition).methods.getQuote;
  const round = <Given, Got>(body: Body<Given, Got>, message: Given): Got => {
    const out = new EncodeBuffer();
    body.encode(message, out);
    const bytes = takeAll(out);
    return body.decode(bytes, 0, bytes.length);
  };
  const inner: unknown[] = [];
  const quote = {
    get symbol() {
      inner.push(round(request, { symbol: "inner", count: 3 }));
      return "outer";
    },
    cents: 5,
    extra: new Uint8Array(),
  };
  assertEquals(round(response, quote), { symbol: "outer", cents: 5, extra: new Uint8Array() });
  assertEquals(inner[0], { symbol: "inner", count: 3 });
});
