// Interceptors that do not come back: calls end all the same, by their deadline or their signal.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  type Client,
  type ClientInterceptor,
  createClient,
  implement,
  type Interceptor,
  type ServiceError,
} from "@protosocket/protosocket/services";
import { countedSignal } from "../support/counted_signal.ts";
import { countTimers } from "../support/count_timers.ts";
import { deferred, fired, soon, turn } from "../support/within.ts";
import { all, fails, memoryTest, onSocket, Prices, type PricesHandlers } from "./support.ts";
import { wireClient } from "./wire/peer.ts";

const handlers: PricesHandlers = {
  getQuote: () => ({ cents: 1 }),
  watchQuotes: () => [{}, {}],
  putQuotes: async (quotes) => ({ count: (await all(quotes)).length }),
  async *trade(requests) {
    for await (const _ of requests) yield {};
  },
};

const never = () => new Promise<never>(() => {});

const HANGING: readonly [name: string, interceptor: Interceptor][] = [
  ["never passes the call on", () => never],
  ["keeps the answer", (next) => async (call) => {
    await next(call);
    return await never();
  }],
];
type Options = { readonly timeout?: number; readonly signal?: AbortSignal };
const KINDS: readonly ((prices: Client<typeof Prices>, options: Options) => Promise<unknown>)[] = [
  (prices, options) => prices.getQuote({}, options),
  (prices, options) => all(prices.watchQuotes({}, options)),
  (prices, options) => prices.putQuotes([{}], options),
  (prices, options) => all(prices.trade([{}], options)),
];

/** What a call fails with. */
function failure(call: Promise<unknown>): Promise<unknown> {
  return soon(call.then(() => "no failure", (error) => error), "a failure");
}

for (const [name, interceptor] of HANGING) {
  memoryTest(`one at a client that ${name}: the deadline ends the call`, async (inMemory) => {
    const transport = inMemory([implement(Prices, handlers)]);
    const interceptors = [interceptor];
    const own = createClient(Prices, transport, { interceptors });
    const clients = createClient(Prices, transport, { interceptors, timeout: 30 });
    for (const call of KINDS) {
      for (const made of [call(own, { timeout: 30 }), call(clients, {})]) {
        const error = await fails(made, "deadline-exceeded");
        assert(error.message.includes("has passed"), error.message);
      }
    }
  });

  memoryTest(`one at a client that ${name}: the signal ends the call`, async (inMemory) => {
    const prices = createClient(Prices, inMemory([implement(Prices, handlers)]), {
      interceptors: [interceptor],
    });
    for (const call of KINDS) {
      const controller = new AbortController();
      const { signal } = controller;
      const made = call(prices, { signal, timeout: 1_000_000 });
      controller.abort("no longer");
      assertEquals(await failure(made), "no longer");
      // One that has fired before.
      assertEquals(await failure(call(prices, { signal })), "no longer");
    }
  });
}

/** Hands on one item of a stream, and nothing after it. */
const stuck: ClientInterceptor = (next) => async (call) => {
  const answer = await next(call) as AsyncIterable<unknown>;
  return (async function* () {
    for await (const item of answer) {
      yield item;
      await never();
    }
  })();
};

memoryTest("one that hangs between the items of a stream", async (inMemory) => {
  const left = deferred();
  const prices = createClient(
    Prices,
    inMemory([implement(Prices, {
      async *watchQuotes(_, { signal }) {
        yield {};
        await fired(signal);
        left.resolve();
      },
    })]),
    { interceptors: [stuck] },
  );
  const controller = new AbortController();
  const { signal } = controller;
  const stream = prices.watchQuotes({}, { signal });
  await soon(stream.next(), "an item");
  const waiting = failure(stream.next());
  controller.abort("no longer");
  assertEquals(await waiting, "no longer");
  assertEquals(await soon(stream.next(), "the end"), { done: true, value: undefined });
  await soon(left.promise, "the server to learn of it");

  // Nobody reads as the time passes, and who leaves does not wait for what hangs.
  const other = prices.watchQuotes({}, { timeout: 30 });
  await soon(other.next(), "an item");
  const reading = failure(other.next());
  await soon(other.return(), "the stream to be left");
  assert((await reading as ServiceError).code === "deadline-exceeded");
});

memoryTest("the signal of a call fires at a client, too, for interceptors", async (inMemory) => {
  const reasons: unknown[] = [];
  const waits: ClientInterceptor = () => async (call) => {
    const { signal } = call.context;
    reasons.push(await fired(signal));
    throw signal.reason;
  };
  const prices = createClient(Prices, inMemory([]), { interceptors: [waits] });
  for (const call of KINDS) {
    const error = await fails(call(prices, { timeout: 30 }), "deadline-exceeded");
    assertEquals(reasons.pop(), error);
    const controller = new AbortController();
    const made = call(prices, { signal: controller.signal, timeout: 1_000_000 });
    controller.abort("no longer");
    assertEquals(await failure(made), "no longer");
    assertEquals(reasons.pop(), "no longer");
  }
});

memoryTest("one that says by itself how a call has failed is heard before", async (inMemory) => {
  // deno-lint-ignore no-explicit-any
  const hangs: any = never;
  const prices = createClient(
    Prices,
    inMemory([implement(Prices, {
      getQuote: hangs,
      putQuotes: hangs,
      watchQuotes: hangs,
      trade: hangs,
    })]),
    {
      interceptors: [(next) => async (call) => {
        const say = (error: unknown): never => {
          throw new Error("mine", { cause: error });
        };
        const answer = await next(call).catch(say);
        const items = answer as AsyncIterator<unknown>;
        return {
          next: () => items.next().catch(say),
          [Symbol.asyncIterator]() {
            return this;
          },
        };
      }],
    },
  );
  for (const call of KINDS) {
    for (let i = 0; i < 5; i++) {
      const error = await failure(call(prices, { timeout: 5 + i })) as Error;
      assertEquals([error.message, (error.cause as ServiceError).code], [
        "mine",
        "deadline-exceeded",
      ]);
    }
  }
});

memoryTest("nothing is left of what limited a call that has ended", async (inMemory) => {
  const LONG = 3_000_000;
  const { signal } = new AbortController();
  const options = { timeout: LONG, signal };
  const prices = createClient(Prices, inMemory([implement(Prices, handlers)]), {
    interceptors: [(next) => next],
  });
  const { started, left } = await countTimers(async () => {
    for (const call of KINDS) await call(prices, options);
    for await (const _ of prices.watchQuotes({}, options)) break;
    for (let i = 0; i < 5; i++) await turn();
  });
  assert(started.some((ms) => ms > LONG / 2));
  assertEquals(left.filter((ms) => ms > LONG / 2), []);
});

memoryTest("nor of one whose interceptor fails when it is left, or at once", async (inMemory) => {
  const LONG = 3_000_000;
  const fails: ClientInterceptor = (next) => async (call) => {
    const answer = await next(call) as AsyncIterable<unknown>;
    return (async function* () {
      try {
        yield* answer;
      } finally {
        // deno-lint-ignore no-unsafe-finally
        throw new Error("when left");
      }
    })();
  };
  const transport = inMemory([implement(Prices, handlers)]);
  const left = createClient(Prices, transport, { interceptors: [fails] });
  const refused = createClient(Prices, transport, {
    interceptors: [() => () => Promise.reject(new Error("at once"))],
  });
  const counted = countedSignal();
  const options = { timeout: LONG, signal: counted.signal };
  const timers = await countTimers(async () => {
    const stream = left.watchQuotes({}, options);
    await stream.next();
    assertEquals((await failure(stream.return()) as Error).message, "when left");
    // Nobody reads it.
    refused.watchQuotes({}, options);
    for (let i = 0; i < 5; i++) await turn();
  });
  const listeners = counted.listeners.size;
  // What is left after all would keep the process.
  counted.controller.abort();
  assertEquals([listeners, timers.left.filter((ms) => ms > LONG / 2)], [0, []]);
});

for (const [name, interceptor] of HANGING) {
  test(`one at a server that ${name}: its deadline ends the call there`, async () => {
    await using ends = await onSocket(handlers, { interceptors: [interceptor] });
    const { port } = ends.server.address as { port: number };
    await using client = await wireClient(port);
    // This client would wait for ever. The place of each among `maxConcurrentRpcs` stays taken.
    await client.send({ id: 1n, method: `${Prices.name}/GetQuote`, timeoutUs: 30_000n });
    await client.send({ id: 2n, method: `${Prices.name}/WatchQuotes`, timeoutUs: 30_000n });
    for (const id of [1n, 2n]) {
      const answer = await client.take("an answer", (answer) => answer.id === id);
      assertEquals(answer.status?.code, 4);
    }
    await client.take("an end", (answer) => answer.id === 2n);
    assertEquals(ends.errors, []);
  });
}
