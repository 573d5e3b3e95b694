// What is different in memory without a codec; the other tests say what is not.
import { create } from "@bufbuild/protobuf";
import {
  createClient,
  defineService,
  implement,
  inMemory,
} from "@protosocket/protosocket/services";
import { serviceOf } from "@protosocket/protosocket/services-ts-proto";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { z } from "zod";
import { soon } from "../support/within.ts";
import { PricesDefinition } from "./proto/gen/prices.ts";
import { QuoteRequestSchema, QuoteSchema } from "./proto/gen/prices_pb.ts";
import { all, fails, Prices } from "./support.ts";

/** What a handler got, and what its caller got for `given` back. */
async function exchanged<T>(
  given: T,
  codec: boolean | undefined,
): Promise<{ readonly there: T; readonly here: T }> {
  let there: T;
  const Any = defineService("a.Any", { same: { request: z.any(), response: z.any() } });
  const services = [implement(Any, { same: (value) => there = value })];
  const client = createClient(Any, inMemory(services, codec === undefined ? {} : { codec }));
  const here = await soon(client.same(given), "it");
  return { there: there!, here };
}

test("messages are copies, unless there is no codec", async () => {
  const given = { list: [1], when: new Date(0) };
  for (const codec of [undefined, true]) {
    const { there, here } = await exchanged<unknown>(given, codec);
    assertEquals([there, here], Array(2).fill({ list: [1], when: "1970-01-01T00:00:00.000Z" }));
  }
  const { there, here } = await exchanged<unknown>(given, false);
  assertStrictEquals(there, given);
  assertStrictEquals(here, given);
});

test("without a codec, protobuf-es messages are those that were made, or made then", async () => {
  const requests: unknown[] = [];
  const answer = create(QuoteSchema, { cents: 3 });
  const prices = implement(Prices, {
    getQuote: (request) => (requests.push(request), answer),
    setQuote: ({ symbol }) => ({ symbol }),
    *watchQuotes() {
      yield answer;
      yield { cents: 4 };
    },
  });
  const client = createClient(Prices, inMemory([prices], { codec: false }));
  const request = create(QuoteRequestSchema, { symbol: "X" });
  assertStrictEquals(await soon(client.getQuote(request), "a quote"), answer);
  await soon(client.getQuote({ symbol: "X" }), "a quote");
  assertStrictEquals(requests[0], request);
  assertEquals(requests[1], request);
  assertEquals(
    await soon(client.setQuote({ symbol: "Y" }), "it"),
    create(QuoteSchema, { symbol: "Y" }),
  );
  const [first, second] = await soon(all(client.watchQuotes({})), "two");
  assertStrictEquals(first, answer);
  assertEquals(second, create(QuoteSchema, { cents: 4 }));
});

test("without a codec, messages are ts-proto's as they are, and must be objects", async () => {
  const TsPrices = serviceOf(PricesDefinition);
  const requests: unknown[] = [];
  const quote = { symbol: "X", cents: 1, extra: new Uint8Array() };
  const prices = implement(TsPrices, { getQuote: (request) => (requests.push(request), quote) });
  const client = createClient(TsPrices, inMemory([prices], { codec: false }));
  const request = { symbol: "X", count: 1 };
  assertStrictEquals(await soon(client.getQuote(request), "a quote"), quote);
  assertStrictEquals(requests[0], request);
  await fails(client.getQuote("X" as never), "invalid-argument");
  assertEquals(requests.length, 1);
});

test("without a codec, what validators make of a message arrives", async () => {
  const Trimmed = defineService("a.Trimmed", {
    length: { request: z.string().trim(), response: z.number().transform((n) => `${n}`) },
  });
  const trimmed = implement(Trimmed, { length: (text) => text.length });
  const client = createClient(Trimmed, inMemory([trimmed], { codec: false }));
  assertEquals(await soon(client.length(" abc "), "a length"), "3");
  await fails(client.length(3 as never), "invalid-argument");
});

test("without a codec, ends with other definitions of a service have its encoding between them", async () => {
  const define = () => defineService("a.Any", { same: { request: z.any(), response: z.any() } });
  let there: unknown;
  const served = implement(define(), { same: (value) => there = value });
  const client = createClient(define(), inMemory([served], { codec: false }));
  const here = await soon(client.same({ when: new Date(0) }), "it");
  assertEquals([there, here], Array(2).fill({ when: "1970-01-01T00:00:00.000Z" }));
});

test("without a codec, what was never sent is in nobody's way", async () => {
  const Texts = defineService("a.Texts", { same: { request: z.string(), response: z.string() } });
  const texts = implement(Texts, { same: (text) => text });
  await using memory = inMemory([texts], { codec: false, client: { maxOutboundLength: 1000 } });
  const client = createClient(Texts, memory);
  // So many that they are not in one chunk.
  const calls = Array.from({ length: 5000 }, async (_, i) => {
    if (i % 5 !== 0) return assertEquals(await client.same(`${i}`), `${i}`);
    await fails(client.same("long", { metadata: { long: "x".repeat(2000) } }), "invalid-argument");
  });
  await soon(Promise.all(calls), "all");
});

test("a codec is one or none", () => {
  for (const codec of ["no", 0, null]) {
    assertThrows(
      () => inMemory([], { codec: codec as unknown as boolean }),
      TypeError,
      "codec must be true or false, not ",
    );
  }
  assert(inMemory([], { codec: undefined }) !== undefined);
});
