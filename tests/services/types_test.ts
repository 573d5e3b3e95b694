// What the compiler says of services: each line after a ts-expect-error must be an error.
import { test } from "node:test";
import { createClient, implement, inMemory } from "@protosocket/protosocket/services";
import { Prices } from "./support.ts";

test("handlers and calls are typed by the service alone", () => {
  implement(Prices, {
    getQuote: ({ symbol }, { peer, deadline }) => ({
      symbol,
      cents: (peer.address ? 1 : 0) + (deadline ?? 0),
    }),
    // @ts-expect-error: a result of another type
    setQuote: () => ({ cents: "1" }),
    // @ts-expect-error: one response, not a stream
    watchQuotes: () => ({ cents: 1 }),
    // @ts-expect-error: the requests are a stream
    putQuotes: ({ cents }) => ({ count: cents }),
  });
  // @ts-expect-error: no such field
  implement(Prices, { getQuote: ({ price }) => ({ symbol: price }) });
  try {
    // @ts-expect-error: no such method
    implement(Prices, { getQuotes: () => ({}) });
  } catch {
    // It is refused at run time, too.
  }

  const call = async () => {
    const prices = createClient(Prices, inMemory([]));
    const { symbol, cents } = await prices.getQuote({ symbol: "X" });
    const typed: [string, number] = [symbol, cents];
    for await (const { cents } of prices.watchQuotes({})) typed[1] += cents;
    const { count } = await prices.putQuotes([{ cents: 1 }]);
    typed[1] += count;
    for (const key of [7, 7n, "a user"]) await prices.getQuote({}, { key });
    // @ts-expect-error: a wrong type
    await prices.getQuote({ symbol: 1 });
    // @ts-expect-error: no such field
    await prices.getQuote({ name: "X" });
    // @ts-expect-error: no such method
    await prices.getQuotes({});
    // @ts-expect-error: not a stream
    for await (const _ of prices.getQuote({}));
    // @ts-expect-error: not an option
    await prices.getQuote({}, { deadline: 5 });
    return typed;
  };
  void call;
});
