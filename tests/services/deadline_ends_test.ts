// What handlers see, and what is told, of calls that end before them.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  type ServerContext,
  type ServerInterceptor,
  ServiceError,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { deferred, fired, soon, until } from "../support/within.ts";
import { all, fails, memoryTest, onSocket, Prices, type PricesHandlers } from "./support.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

async function* endless(): AsyncGenerator<Record<never, never>> {
  for (;;) {
    yield {};
    await turn();
  }
}

/** Handlers that say how the requests of each call ended. */
function readers() {
  const ends: unknown[] = [];
  const seen = { begun: 0, ends };
  const read = async (requests: AsyncIterable<unknown>) => {
    seen.begun++;
    try {
      for await (const _ of requests) await Promise.resolve();
      ends.push("complete");
    } catch (error) {
      ends.push(error instanceof ServiceError ? error.code : error);
      throw error;
    }
  };
  const handlers: PricesHandlers = {
    async putQuotes(quotes) {
      await read(quotes);
      return {};
    },
    async *trade(requests, { signal }) {
      const reading = read(requests).catch(() => {});
      await fired(signal);
      await reading;
      yield {};
    },
  };
  return { seen, handlers };
}

const cutOff = (end: unknown) => end === "deadline-exceeded" || end === "cancelled";

test("a deadline does not make a stream of requests look complete, on a socket", async () => {
  const { seen, handlers } = readers();
  await using server = await onSocket(handlers);
  for (let i = 0; i < 5; i++) {
    await fails(server.prices.putQuotes(endless(), { timeout: 30 }), "deadline-exceeded");
    await fails(all(server.prices.trade(endless(), { timeout: 30 })), "deadline-exceeded");
    await until(() => seen.ends.length === seen.begun, () => `${seen.ends}`);
  }
  assert(seen.ends.every(cutOff), `${seen.ends}`);
  assertEquals(server.errors, []);
});

memoryTest(
  "a deadline does not make a stream of requests look complete, in memory",
  async (inMemory) => {
    const { seen, handlers } = readers();
    const prices = createClient(Prices, inMemory([implement(Prices, handlers)]));
    for (let i = 0; i < 5; i++) {
      await fails(prices.putQuotes(endless(), { timeout: 30 }), "deadline-exceeded");
      await fails(all(prices.trade(endless(), { timeout: 30 })), "deadline-exceeded");
      await until(() => seen.ends.length === seen.begun, () => `${seen.ends}`);
    }
    assert(seen.ends.every(cutOff), `${seen.ends}`);
  },
);

test("nor if the handler begins to read when the call is over", async () => {
  for (const isCancelled of [false, true]) {
    const end = deferred<unknown>();
    const begun = deferred();
    await using server = await onSocket({
      async putQuotes(quotes, { signal }) {
        begun.resolve();
        await fired(signal);
        await all(quotes).then(end.resolve, end.resolve);
        return {};
      },
    });
    const controller = new AbortController();
    const options = isCancelled ? { signal: controller.signal } : { timeout: 500 };
    const call = server.prices.putQuotes(endless(), options).catch(() => {});
    await soon(begun.promise, "the handler");
    if (isCancelled) controller.abort();
    const error = await soon(end.promise, "the end of the requests");
    assert(error instanceof ServiceError && cutOff(error.code), `${error}`);
    await soon(call, "the call");
  }
});

test("nor if the client has sent all of it, and the handler reads it too late", async () => {
  for (const how of ["deadline", "cancel", "loss"] as const) {
    const end = deferred<unknown>();
    const half = deferred();
    await using server = await onSocket({
      async putQuotes(quotes, { signal }) {
        await quotes.next();
        half.resolve();
        await fired(signal);
        await all(quotes).then(end.resolve, end.resolve);
        return {};
      },
      // On Deno an abort looks like an end, after which the server waits for its handlers.
    }, { drainTimeout: 500 });
    const controller = new AbortController();
    const options = how === "deadline" ? { timeout: 500 } : { signal: controller.signal };
    const call = server.prices.putQuotes([{}, {}], options).catch(() => {});
    await soon(half.promise, "the handler");
    if (how === "cancel") controller.abort();
    if (how === "loss") server.client.abort();
    const error = await soon(end.promise, "the end of the requests");
    assert(error instanceof ServiceError, `${how}: ${error}`);
    assert(how === "loss" ? error.code === "unavailable" : cutOff(error.code), `${how}: ${error}`);
    await soon(call, "the call");
  }
});

/** Handlers whose iterators count how often they are left. */
function ticking() {
  const left: number[] = [];
  const iterator = (i: number) => {
    left[i] = 0;
    return {
      async next() {
        await turn();
        return { done: false as const, value: {} };
      },
      return() {
        left[i]!++;
        return Promise.resolve({ done: true as const, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  return { left, watchQuotes: () => iterator(left.length) };
}

/** Waits until all are left, and some more, as one must not be left twice. */
async function leftOnce(left: number[], count: number): Promise<void> {
  await until(() => left.length === count && !left.includes(0), () => `${left}`);
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(left, Array(count).fill(1));
}

memoryTest("a stream is left once when its deadline passes", async (inMemory) => {
  const { left, watchQuotes } = ticking();
  await using server = await onSocket({ watchQuotes });
  await soon(
    Promise.all(Array.from(
      { length: 20 },
      () => fails(all(server.prices.watchQuotes({}, { timeout: 40 })), "deadline-exceeded"),
    )),
    "the deadlines",
  );
  // One that had no time to begin has no iterator.
  await leftOnce(left, left.length);
  const memory = ticking();
  const prices = createClient(
    Prices,
    inMemory([implement(Prices, { watchQuotes: memory.watchQuotes })]),
  );
  await fails(all(prices.watchQuotes({}, { timeout: 40 })), "deadline-exceeded");
  await leftOnce(memory.left, memory.left.length);
});

test("a generator comes to its end for each stream whose deadline passes", async () => {
  let begun = 0;
  let ended = 0;
  await using server = await onSocket({
    async *watchQuotes() {
      begun++;
      try {
        for (;;) {
          yield {};
          await turn();
        }
      } finally {
        ended++;
      }
    },
  });
  for (let i = 0; i < 20; i++) {
    const call = all(server.prices.watchQuotes({}, { timeout: 20 }));
    await fails(call, "deadline-exceeded");
  }
  await until(() => ended === begun, () => `${ended} of ${begun}`);
});

test("a stream that a promise brings too late is left", async () => {
  const { left, watchQuotes } = ticking();
  const late: ServerInterceptor = (next) => async (call) => {
    const answer = await next(call);
    await fired(call.context.signal);
    await turn();
    return answer;
  };
  await using server = await onSocket({ watchQuotes }, { interceptors: [late] });
  await fails(all(server.prices.watchQuotes({}, { timeout: 40 })), "deadline-exceeded");
  await leftOnce(left, left.length);
});

test("a stream is left once by a cancel, the connection's end, and a drain", async () => {
  for (const how of ["cancel", "abort", "drain"]) {
    const { left, watchQuotes } = ticking();
    await using server = await onSocket({ watchQuotes });
    const stream = server.prices.watchQuotes({});
    await soon(stream.next(), "an item");
    if (how === "cancel") await soon(stream.return(), "the cancel");
    if (how === "abort") server.client.abort();
    if (how === "drain") await soon(server.server.close({ timeout: 1 }), "the drain");
    await leftOnce(left, 1);
  }
});

/** What a server was told of: the method, whether it knew the peer, and the message. */
function told() {
  const errors: string[] = [];
  const onError = (error: unknown, context: ServerContext | undefined) => {
    const known = context?.peer.address === undefined ? "nobody" : "peer";
    errors.push(`${context?.method.path.split("/")[1]} ${known} ${(error as Error).message}`);
  };
  return { errors, onError };
}

test("what a generator throws as it is left is told", async () => {
  for (const how of ["cancel", "deadline", "abort"]) {
    const { errors, onError } = told();
    await using server = await onSocket({
      async *watchQuotes(_, { signal }) {
        try {
          yield {};
          await fired(signal);
          yield {};
        } finally {
          // deno-lint-ignore no-unsafe-finally
          throw new Error("oops");
        }
      },
      // On Deno an abort looks like an end, after which the server still sends, for so long.
    }, { onError, drainTimeout: 500 });
    const stream = server.prices.watchQuotes({}, how === "deadline" ? { timeout: 500 } : {});
    await soon(stream.next(), "an item");
    if (how === "cancel") await soon(stream.return(), "the cancel");
    else if (how === "abort") server.client.abort();
    await stream.next().catch(() => {});
    await until(() => errors.length > 0, () => how);
    for (let i = 0; i < 3; i++) await turn();
    assertEquals(errors, ["WatchQuotes peer oops"]);
  }
});

test("what a handler rejects with after its deadline is told, unless that is why", async () => {
  const { errors, onError } = told();
  let over = deferred();
  const begun = new Set<number>();
  await using server = await onSocket({
    async getQuote({ count }, { signal }) {
      begun.add(count);
      await fired(signal);
      setTimeout(over.resolve);
      if (count === 0) throw signal.reason;
      if (count === 1) throw new DOMException("aborted", "AbortError");
      if (count === 2) throw new Error("late", { cause: signal.reason });
      throw new Error("oops");
    },
  }, { onError });
  for (let count = 0; count < 4; count++) {
    over = deferred();
    await fails(server.prices.getQuote({ count }, { timeout: 300 }), "deadline-exceeded");
    if (begun.has(count)) await soon(over.promise, "the handler");
  }
  assertEquals(errors, begun.has(3) ? ["GetQuote peer oops"] : []);
});

const Sums = defineService("tests.Sums", {
  add: { request: z.number(), response: z.object({ sum: z.number() }) },
  count: {
    kind: "server_streaming",
    request: z.number(),
    response: z.object({ sum: z.number() }),
  },
});

memoryTest(
  "a response that is not valid is internal, seen by interceptors, and told",
  async (inMemory) => {
    const errors: string[] = [];
    const seen: string[] = [];
    let left = 0;
    const wrong = { sum: "x" } as unknown as { sum: number };
    const see: ServerInterceptor = (next) => async (call) => {
      try {
        return await next(call);
      } catch (error) {
        seen.push((error as ServiceError).code);
        throw error;
      }
    };
    const sums = implement(Sums, {
      add: (n) => n > 0 ? { sum: n } : wrong,
      async *count() {
        try {
          yield { sum: 1 };
          yield wrong;
        } finally {
          left++;
        }
      },
    });
    for (const interceptors of [[], [see]]) {
      await using memory = inMemory([sums], {
        interceptors,
        onError: (error, context) =>
          errors.push(`${context?.method.path} ${context?.peer !== undefined} ${error}`),
      });
      const client = createClient(Sums, memory);
      assertEquals(await soon(client.add(1), "an answer"), { sum: 1 });
      await fails(client.add(0), "internal");
      const stream = client.count(0);
      assertEquals((await soon(stream.next(), "an item")).value, { sum: 1 });
      await fails(stream.next(), "internal");
      await until(() => left > 0, () => "the generator");
      left = 0;
      const [add, count] = errors.splice(0);
      assert(add?.startsWith("tests.Sums/add true") && add.includes("sum:"), add);
      assert(count?.startsWith("tests.Sums/count true"), count);
    }
    assertEquals(seen, ["internal"]);
  },
);

test("a response that cannot be encoded is told once, with its call", async () => {
  const { errors, onError } = told();
  await using server = await onSocket({
    getQuote: () => ({ cents: "x" as unknown as number }),
  }, { onError });
  await fails(server.prices.getQuote({}), "internal");
  assertEquals(errors.length, 1);
  assert(errors[0]!.startsWith("GetQuote peer"), errors[0]);
});
