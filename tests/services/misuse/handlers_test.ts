// Handlers in plain JavaScript: what they may be, and what is told of those that are wrong.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  inMemory,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { all, fails, Prices } from "../support.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

test("misuse: what would pass for a message without fields", async () => {
  const told: string[] = [];
  const strange: Any = {
    // As for a stream.
    *getQuote() {
      yield {};
    },
    watchQuotes: () => [[]],
    async *trade(orders: AsyncIterable<unknown>) {
      yield* orders;
    },
  };
  const es: Any = createClient(
    Prices,
    inMemory([implement(Prices, strange)], { onError: (error) => told.push(String(error)) }),
  );
  const error = await fails(es.getQuote([{ symbol: "ACME" }]), "invalid-argument");
  assertStringIncludes(error.message, "A protosocket.test.QuoteRequest must be an object, not an");
  await fails(es.getQuote({}), "internal");
  await fails(all(es.watchQuotes({})), "internal");
  await fails(all(es.trade([{}])), "internal");
  assertEquals(told, [
    "TypeError: A protosocket.test.Quote must be an object, not an iterable",
    "TypeError: A protosocket.test.Quote must be an object, not an array",
    "TypeError: A protosocket.test.Quote must be an object, not a protosocket.test.QuoteRequest",
  ]);
});

test("handlers may be methods of a class, which has state besides", async () => {
  const text = z.string();
  const Greeter = defineService("a.Greeter", { hello: { request: text, response: text } });
  class Greetings {
    readonly greeting = "hello";
    #count = 0;
    hello(name: string): string {
      return `${this.greeting}, ${name} ${++this.#count}`;
    }
  }
  const calls = createClient(Greeter, inMemory([implement(Greeter, new Greetings())]));
  assertEquals(await calls.hello("ada"), "hello, ada 1");
});

test("a method that is called as what every object has is not implemented by that", async () => {
  const text = z.string();
  const Odd = defineService("a.Odd", { toString: { request: text, response: text } });
  const { toString } = createClient(Odd, inMemory([implement(Odd, {} as Any)]));
  await fails(toString("?"), "unimplemented");
  const answers = createClient(Odd, inMemory([implement(Odd, { toString: (name) => name })]));
  assertEquals(await answers.toString("!"), "!");
});
