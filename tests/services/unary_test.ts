// Unary calls of typed services on a real socket.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createClient, implement, Metadata, ServiceError } from "@protosocket/protosocket/services";
import { deferred, fired, outcome, soon } from "../support/within.ts";
import { all, fails, onSocket, Prices } from "./support.ts";

test("a call is answered", async () => {
  await using ends = await onSocket({ getQuote: ({ symbol }) => ({ symbol, cents: 5 }) });
  const quote = await soon(ends.prices.getQuote({ symbol: "X" }), "an answer");
  assertEquals([quote.$typeName, quote.symbol, quote.cents], ["protosocket.test.Quote", "X", 5]);
});

test("a large payload is answered by a promise, and many at once", async () => {
  await using ends = await onSocket({
    setQuote: async (quote) => await Promise.resolve(quote),
  });
  const extra = new Uint8Array(100_000).fill(7);
  const calls = Array.from(
    { length: 50 },
    (_, i) => ends.prices.setQuote({ symbol: String(i), extra: extra.subarray(0, i * 2000) }),
  );
  const quotes = await soon(Promise.all(calls), "the answers");
  assertEquals(quotes.map(({ symbol }) => symbol), calls.map((_, i) => String(i)));
  assertEquals(quotes.map(({ extra }) => extra.length), calls.map((_, i) => i * 2000));
});

test("an unknown method, and one without a handler, are unimplemented", async () => {
  await using ends = await onSocket({});
  const error = await fails(ends.prices.getQuote({ symbol: "X" }), "unimplemented");
  assertEquals(error.message, "The method protosocket.test.Prices/GetQuote has no handler here");
  const other = createClient({
    ...Prices,
    methods: {
      ...Prices.methods,
      getQuote: { ...Prices.methods.getQuote, path: "other.Service/Say" },
    },
  }, ends.client);
  await fails(other.getQuote({}), "unimplemented");
  // The connection is as good as before, also after one of a stream.
  const stream = ends.prices.watchQuotes({});
  await fails(stream.next(), "unimplemented");
  assertEquals(await soon(stream.next(), "the end"), { done: true, value: undefined });
  await fails(ends.prices.getQuote({ symbol: "X" }), "unimplemented");
});

test("a ServiceError reaches the caller whole", async () => {
  await using ends = await onSocket({
    getQuote() {
      throw new ServiceError("not-found", "no such symbol: ☃", {
        details: [{ typeUrl: "type.googleapis.com/x.Y", value: new Uint8Array([1, 2]) }],
        metadata: new Metadata({ "retry-after": "5", raw: new Uint8Array([0, 255]) }),
        cause: new Error("secret"),
      });
    },
  });
  const trailers: Metadata[] = [];
  const onTrailers = (metadata: Metadata) => trailers.push(metadata);
  const error = await fails(ends.prices.getQuote({}, { onTrailers }), "not-found");
  assertEquals([error.message, error.number], ["no such symbol: ☃", 5]);
  assertEquals(error.details, [{
    typeUrl: "type.googleapis.com/x.Y",
    value: new Uint8Array([1, 2]),
  }]);
  assertEquals(error.metadata?.get("Retry-After"), "5");
  assertEquals(error.metadata?.getBytes("raw"), new Uint8Array([0, 255]));
  assertEquals(trailers.map((metadata) => metadata.get("retry-after")), ["5"]);
  assertEquals([error.cause, ends.errors], [undefined, []]);
});

test("what else is thrown is internal, and told to onError only", async () => {
  const told: unknown[] = [];
  const thrown = new Error("the password is 123");
  await using ends = await onSocket({
    getQuote() {
      throw thrown;
    },
    setQuote: () => Promise.reject(thrown),
  }, {
    onError: (error, context) =>
      told.push([error, context?.method.path, context?.peer.address?.transport]),
  });
  const error = await fails(ends.prices.getQuote({}), "internal");
  assert(!error.message.includes("password"));
  await fails(ends.prices.setQuote({}), "internal");
  assertEquals(told, [
    [thrown, "protosocket.test.Prices/GetQuote", "tcp"],
    [thrown, "protosocket.test.Prices/SetQuote", "tcp"],
  ]);
});

test("metadata goes both ways, and trailers", async () => {
  await using ends = await onSocket({
    getQuote(_, { metadata, responseMetadata, trailers }) {
      responseMetadata.set("seen", metadata.getAll("tag").join());
      responseMetadata.set("client", metadata.get("client") ?? "");
      trailers.set("cost", "3");
      return {};
    },
  }, { client: { metadata: { client: "default", tag: "overridden" } } });
  const seen: (string | undefined)[] = [];
  await soon(
    ends.prices.getQuote({}, {
      metadata: { tag: ["a", "b"] },
      onMetadata: (metadata) => seen.push(metadata.get("seen"), metadata.get("client")),
      onTrailers: (trailers) => seen.push(trailers.get("cost")),
    }),
    "an answer",
  );
  assertEquals(seen, ["a,b", "default", "3"]);
});

test("too much metadata is resource-exhausted at either end", async () => {
  await using ends = await onSocket({
    getQuote(_, { responseMetadata }) {
      responseMetadata.set("large", "x".repeat(20_000));
      return {};
    },
    setQuote: (quote) => quote,
  });
  await fails(ends.prices.getQuote({}), "resource-exhausted");
  const metadata = { tag: Array.from({ length: 129 }, () => "x") };
  await fails(ends.prices.setQuote({}, { metadata }), "resource-exhausted");
  await soon(ends.prices.setQuote({}, { metadata: { tag: metadata.tag.slice(1) } }), "an answer");
});

test("the server answers by itself when the deadline has passed", async () => {
  const reasons: unknown[] = [];
  const late = deferred();
  await using ends = await onSocket({
    getQuote: (_, { signal, deadline }) => {
      assert(deadline! > performance.now() - 100_000);
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        late.resolve();
      });
      return new Promise(() => {});
    },
  });
  // The client's own timer is not what ends it: it waits without limit, and the server does not.
  const { ServiceRequest } = await import("../../src/services/envelope/messages.ts");
  const request = new ServiceRequest();
  const method = Prices.methods.getQuote;
  request.method = { ...method, pathBytes: new TextEncoder().encode(method.path) } as never;
  request.body = method.request as never;
  request.value = {};
  request.deadline = performance.now() + 20;
  const response = await soon(ends.client.unary(request), "the server's answer");
  assertEquals(response.status?.code, 4);
  await soon(late.promise, "the signal");
  assertEquals((reasons[0] as ServiceError).code, "deadline-exceeded");
  await fails(ends.prices.getQuote({}, { timeout: 20 }), "deadline-exceeded");
});

test("a call that a handler makes inherits the deadline and the cancellation", async () => {
  const deadlines: (number | undefined)[] = [];
  const begun = deferred();
  await using behind = await onSocket({
    getQuote(_, { deadline }) {
      deadlines.push(deadline);
      begun.resolve();
      return new Promise(() => {});
    },
  });
  await using ends = await onSocket({
    getQuote: (request, context) => behind.prices.getQuote(request, { context }),
  });
  const abort = new AbortController();
  const call = ends.prices.getQuote({}, { timeout: 100_000, signal: abort.signal });
  await soon(begun.promise, "the inner call");
  assert(deadlines[0]! < performance.now() + 110_000);
  assert(deadlines[0]! > performance.now() + 50_000);
  abort.abort(new Error("enough"));
  await call.then(() => assert(false), (error) => assertEquals(error.message, "enough"));
  while (behind.client.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("options may be an instance of a class, with getters", async () => {
  class Scope {
    readonly #controller = new AbortController();
    get signal() {
      return this.#controller.signal;
    }
    end() {
      this.#controller.abort(new Error("over"));
    }
  }
  await using ends = await onSocket({
    getQuote: (_, { signal }) => fired(signal).then(() => ({})),
  });
  const scope = new Scope();
  const call = outcome(ends.prices.getQuote({}, scope));
  scope.end();
  const result = await soon(call, "the end");
  assert(result.kind === "error" && (result.error as Error).message === "over");
});

test("a payload that does not parse is an invalid argument", async () => {
  await using ends = await onSocket({ getQuote: () => ({}) });
  const bad = createClient({
    ...Prices,
    methods: {
      ...Prices.methods,
      getQuote: {
        ...Prices.methods.getQuote,
        request: {
          encode: (_: unknown, out: { write(bytes: Uint8Array): void }) =>
            out.write(new Uint8Array([0xff])),
          decode() {},
        },
      },
    },
  }, ends.client);
  await fails(bad.getQuote({}), "invalid-argument");
});

test("a request that does not encode fails alone, and so does a response", async () => {
  await using ends = await onSocket({
    getQuote: () => ({ cents: -1 }),
    setQuote: (quote) => quote,
  });
  const error = await fails(ends.prices.setQuote({ cents: 1.5 }), "invalid-argument");
  assertEquals(error.begun, false);
  await fails(ends.prices.getQuote({}), "internal");
  assertEquals(ends.errors.length, 1);
  await soon(ends.prices.setQuote({ cents: 1 }), "an answer");
});

test("a response that is too long is told with its method and its peer, of whatever kind", async () => {
  const long = { symbol: "x".repeat(2000) };
  const details = [{ typeUrl: "a/b", value: new Uint8Array(2000) }];
  const told: unknown[] = [];
  await using ends = await onSocket({
    getQuote: () => long,
    setQuote: () => Promise.resolve(long),
    watchQuotes: () => [{}, long],
    async *trade() {
      yield long;
    },
    putQuotes() {
      throw new ServiceError("aborted", "No", { details });
    },
  }, {
    maxOutboundLength: 1000,
    onError(error, context) {
      const { code } = error as { code?: string };
      told.push([code, context?.method.path, context?.peer.address?.transport]);
    },
  });
  const { prices } = ends;
  for (const call of [prices.getQuote({}), prices.setQuote({})]) await fails(call, "internal");
  await fails(all(prices.watchQuotes({})), "internal");
  await fails(all(prices.trade([])), "internal");
  await fails(prices.putQuotes([]), "internal");
  const names = ["GetQuote", "SetQuote", "WatchQuotes", "Trade", "PutQuotes"];
  assertEquals(
    told,
    names.map((name) => ["message-too-large", `protosocket.test.Prices/${name}`, "tcp"]),
  );
});

test("a lost connection is unavailable, and says whether the call may have begun", async () => {
  const begun = deferred();
  await using ends = await onSocket({
    getQuote(_, { connection }) {
      begun.resolve();
      connection.close();
      return new Promise(() => {});
    },
  });
  const error = await fails(ends.prices.getQuote({}), "unavailable");
  assertEquals(error.begun, undefined);
  await soon(ends.client.closed, "the end");
  assertEquals((await fails(ends.prices.getQuote({}), "unavailable")).begun, false);
});

test("onConnection may refuse a connection, and keep values for handlers", async () => {
  let count = 0;
  await using ends = await onSocket({
    getQuote: (_, { connection }) => ({ symbol: String(connection.values.get("number")) }),
  }, {
    onConnection(connection) {
      if (++count === 2) throw new Error("not you");
      connection.values.set("number", count);
    },
  });
  assertEquals((await soon(ends.prices.getQuote({}), "an answer")).symbol, "1");
  // Where the reset is seen depends on the runtime.
  const other = await ends.connect().catch(() => undefined);
  if (other) await fails(createClient(Prices, other).getQuote({}), "unavailable");
  assertEquals((ends.errors[0] as Error).message, "not you");
});

test("onConnection that returns false lets nobody in, and says that it must throw", async () => {
  let count = 0;
  await using ends = await onSocket({ getQuote: () => ({}) }, {
    onConnection: (() => ++count === 1) as () => void,
  });
  await soon(ends.prices.getQuote({}), "an answer");
  const other = await ends.connect().catch(() => undefined);
  if (other) await fails(createClient(Prices, other).getQuote({}), "unavailable");
  assertEquals(
    String(ends.errors[0]),
    "TypeError: onConnection has returned false: it refuses by throwing",
  );
});

test("either end of an idle connection has a heartbeat, which the other end ignores", async () => {
  const beats = [deferred(), deferred()];
  const counting = (i: number) => {
    let count = 0;
    return { onMessagesReceived: () => ++count === 5 && beats[i]!.resolve() };
  };
  await using ends = await onSocket({ getQuote: () => ({ symbol: "a" }) }, {
    heartbeat: 5,
    observer: counting(0),
    connection: { heartbeat: 5, observer: counting(1) },
  });
  await soon(Promise.all(beats.map(({ promise }) => promise)), "five heartbeats at each end");
  assertEquals((await soon(ends.prices.getQuote({}), "an answer")).symbol, "a");
});

test("a service is implemented once, with handlers of its methods", () => {
  const thrown = (make: () => unknown) => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertEquals(
    thrown(() => implement(Prices, { nothing: () => {} } as object)),
    "protosocket.test.Prices has no method nothing",
  );
  assertEquals(
    thrown(() => implement(Prices, { getQuote: 1 } as object)),
    "The handler of protosocket.test.Prices/getQuote must be a function, not 1",
  );
});
