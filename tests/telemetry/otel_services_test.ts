// The calls of services as spans: the server's a child of the client's, and active in handlers.
import {
  type Context,
  context as contexts,
  type ContextManager,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { otelClient, otelServer } from "@protosocket/protosocket/otel";
import { createClient, implement, inMemory, ServiceError } from "@protosocket/protosocket/services";
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { all, fails, Prices } from "../services/support.ts";
import { soon } from "../support/within.ts";

/** What a program's OpenTelemetry has for this runtime. */
class Manager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => work.apply(self, args));
  }
  bind<T>(_: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

test("one trace from a client through a handler to the call that it makes", async () => {
  contexts.setGlobalContextManager(new Manager());
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
    .getTracer("test");
  const interceptors = [otelServer({ tracer })];
  const client = { interceptors: [otelClient({ tracer })] };
  const active: (string | undefined)[] = [];
  const note = () => active.push(trace.getActiveSpan()?.spanContext().spanId);
  const behind = createClient(
    Prices,
    inMemory([
      implement(Prices, {
        setQuote(quote, { metadata }) {
          note();
          active.push(metadata.get("traceparent")?.split("-")[1]);
          return quote;
        },
      }),
    ], { interceptors }),
    client,
  );
  const prices = createClient(
    Prices,
    inMemory([
      implement(Prices, {
        async getQuote(_, context) {
          note();
          return await behind.setQuote({}, { context });
        },
        async *watchQuotes({ count }) {
          note();
          yield {};
          await Promise.resolve();
          note();
          if (count > 0) throw new ServiceError("not-found", "no more");
        },
      }),
    ], { interceptors }),
    client,
  );
  await soon(prices.getQuote({}), "an answer");
  await soon(all(prices.watchQuotes({})), "a stream");
  await fails(all(prices.watchQuotes({ count: 1 })), "not-found");
  contexts.disable();

  const finished = spans.getFinishedSpans();
  const seen = finished.map((span) => ({
    name: `${SpanKind[span.kind]} ${span.name.split("/")[1]}`,
    id: span.spanContext().spanId,
    trace: span.spanContext().traceId,
    parent: span.parentSpanContext?.spanId,
  }));
  assertEquals(seen.slice(0, 4).map(({ name }) => name), [
    "SERVER SetQuote",
    "CLIENT SetQuote",
    "SERVER GetQuote",
    "CLIENT GetQuote",
  ]);
  for (let i = 0; i < 3; i++) assertEquals(seen[i]!.parent, seen[i + 1]!.id);
  assertEquals(new Set(seen.slice(0, 4).map(({ trace }) => trace)).size, 1);
  const serverOf = (i: number) => seen.filter(({ name }) => name === "SERVER WatchQuotes")[i]!.id;
  assertEquals(active, [
    seen[2]!.id,
    seen[0]!.id,
    seen[0]!.trace,
    serverOf(0),
    serverOf(0),
    serverOf(1),
    serverOf(1),
  ]);
  const failed = finished.filter(({ attributes }) => attributes["error.type"] === "not-found");
  assertEquals(failed.map(({ attributes }) => attributes["rpc.response.status_code"]), [
    "not-found",
    "not-found",
  ]);
});
