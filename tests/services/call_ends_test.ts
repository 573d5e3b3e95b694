// What a handler's context says once its call has ended, and that nothing is left of it.
import { assert, assertEquals } from "@std/assert";
import { createClient, implement } from "@protosocket/protosocket/services";
import { countTimers } from "../support/count_timers.ts";
import { deferred, soon, turn } from "../support/within.ts";
import { all, memoryTest, Prices } from "./support.ts";

memoryTest("a signal that is first read after the cancel has fired", async (inMemory) => {
  const [begun, cancelled] = [deferred(), deferred()];
  const seen = deferred<unknown>();
  const prices = createClient(
    Prices,
    inMemory([implement(Prices, {
      async getQuote(_, context) {
        begun.resolve();
        await cancelled.promise;
        seen.resolve(context.signal.aborted && context.signal.reason.code);
        return {};
      },
      setQuote: () => ({}),
    })]),
  );
  const controller = new AbortController();
  const call = prices.getQuote({}, { signal: controller.signal }).catch(() => {});
  await soon(begun.promise, "the handler");
  controller.abort();
  // What is answered comes after the Cancel.
  await soon(prices.setQuote({}), "an answer");
  cancelled.resolve();
  assertEquals(await soon(seen.promise, "the handler's end"), "cancelled");
  await soon(call, "the call");
});

memoryTest("nothing is left of the deadline of a call that has ended", async (inMemory) => {
  const LONG = 3_000_000;
  const options = { timeout: LONG };
  const prices = createClient(
    Prices,
    inMemory([implement(Prices, {
      getQuote: async () => await Promise.resolve({}),
      setQuote: (_, { signal }) => ({ cents: signal.aborted ? 1 : 0 }),
      async *watchQuotes() {
        yield await Promise.resolve({});
        yield {};
      },
    })]),
  );
  const { started, left } = await countTimers(async () => {
    await prices.getQuote({}, options);
    await prices.setQuote({}, options);
    await all(prices.watchQuotes({}, options));
    for await (const _ of prices.watchQuotes({}, options)) break;
    for (let i = 0; i < 5; i++) await turn();
  });
  assert(started.some((ms) => ms > LONG / 2));
  assertEquals(left.filter((ms) => ms > LONG / 2), []);
});
