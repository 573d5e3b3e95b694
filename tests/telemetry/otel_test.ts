// Spans and metrics, as the SDK of OpenTelemetry exports them.
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { otelConnections, otelRpcs } from "@protosocket/protosocket/otel";
import { refused, RpcClient, serveRpc } from "@protosocket/protosocket/rpc";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { memoryListener } from "../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../support/rpc.ts";
import { outcome, soon } from "../support/within.ts";

/** A place that spans and metrics are kept in. */
function telemetry() {
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
    .getTracer("test");
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6 });
  const meters = new MeterProvider({ readers: [reader] });
  /** The sums or counts of all metrics, by name and attributes. */
  async function values(): Promise<Record<string, number>> {
    await reader.forceFlush();
    const { scopeMetrics } = exporter.getMetrics().at(-1)!;
    return Object.fromEntries(
      scopeMetrics.flatMap(({ metrics }) => metrics).flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [
          [descriptor.name, ...Object.values(attributes)].join(" "),
          typeof value === "number" ? value : (value as { count: number }).count,
        ])
      ),
    );
  }
  return { spans, tracer, meter: meters.getMeter("test"), values, stop: () => meters.shutdown() };
}

test("rpcs of a client and a server are spans and durations", async () => {
  const { spans, tracer, meter, values, stop } = telemetry();
  const method = (request: Message) => `Test/${request.body}`;
  const listener = memoryListener();
  const server = serveRpc<Message, Message>(listener, {
    codec: jsonCodec,
    messages,
    service: () => ({ body: asked }) => {
      if (asked === "Refuse") return refused;
      if (asked === "Throw") throw new TypeError("not a string");
      if (asked === "Stream") return stream();
      return Promise.resolve(body("fine"));
    },
    onError: () => {},
    rpcObserver: otelRpcs("server", { tracer, meter, method }),
    observer: otelConnections({ meter }),
  });
  async function* stream() {
    yield body(1);
    yield body(2);
  }
  const client = new RpcClient<Message, Message>(listener.dial(7), {
    codec: jsonCodec(),
    messages,
    rpcObserver: otelRpcs("client", { tracer, meter, method }),
  });
  await soon(client.unary(body("Call")), "an answer");
  await rpcError(outcome(client.unary(body("Refuse"))), "cancelled");
  await rpcError(outcome(client.unary(body("Throw"))), "cancelled");
  for await (const _ of client.streaming(body("Stream")));
  assertEquals((await values())["protosocket.connections"], 1);
  await client.close();
  await server.close();

  const seen = spans.getFinishedSpans().map(({ name, kind, status, attributes }) => [
    SpanKind[kind],
    name,
    status.code === SpanStatusCode.ERROR ? attributes["error.type"] : "ok",
    attributes["network.peer.port"],
  ]).sort();
  assertEquals(seen, [
    ["CLIENT", "Test/Call", "ok", undefined],
    ["CLIENT", "Test/Refuse", "cancelled", undefined],
    ["CLIENT", "Test/Stream", "ok", undefined],
    ["CLIENT", "Test/Throw", "cancelled", undefined],
    ["SERVER", "Test/Call", "ok", 7],
    ["SERVER", "Test/Refuse", "cancelled", 7],
    ["SERVER", "Test/Stream", "ok", 7],
    ["SERVER", "Test/Throw", "TypeError", 7],
  ]);
  const metrics = await values();
  assertEquals(metrics["rpc.client.call.duration protosocket Test/Call"], 1);
  assertEquals(metrics["rpc.server.call.duration protosocket Test/Throw TypeError"], 1);
  assertEquals(metrics["protosocket.connections"], 0);
  // The client's announcement and its four requests.
  assertEquals(metrics["protosocket.messages receive"], 5);
  // Call, Refuse, Throw; two items and an End; that the server goes away is not always in time.
  const sent = metrics["protosocket.messages transmit"]!;
  assertEquals(sent === 6 || sent === 7, true, `${sent} messages were sent`);
  assertEquals(metrics["protosocket.io receive"]! > 0, true);
  await stop();
});

test("an observer that throws harms no rpc", async () => {
  const listener = memoryListener();
  const rpcObserver = {
    onRpc: () => {
      throw new Error("an observer's own");
    },
  };
  const server = serveRpc<Message, Message>(listener, {
    codec: jsonCodec,
    messages,
    service: () => ({ body: asked }) => body(asked),
    rpcObserver: {
      onRpc: () => () => {
        throw new Error("an observer's own");
      },
    },
  });
  const client = new RpcClient<Message, Message>(listener.dial(1), {
    codec: jsonCodec(),
    messages,
    rpcObserver,
  });
  assertEquals((await soon(client.unary(body("x")), "an answer")).body, "x");
  await client.close();
  await server.close();
});

test("whatever an RPC fails with, its span ends, as an error", async () => {
  const { spans, tracer, meter, stop } = telemetry();
  const { onRpc } = otelRpcs<Message>("server", { tracer, meter });
  const nasty = {
    get code(): string {
      throw new Error("no code");
    },
    toString() {
      throw new Error("no text");
    },
  };
  for (const error of [null, "text", nasty, Object.create(null)]) {
    const onEnd = onRpc({ id: 1, request: body("x") });
    onEnd?.(error);
    const { status, attributes } = spans.getFinishedSpans().at(-1)!;
    assertEquals(status.code, SpanStatusCode.ERROR);
    assertEquals(attributes["error.type"], "_OTHER");
    spans.reset();
  }
  await stop();
});

test("an observer that is made within the options leaves the service's types alone", async () => {
  const { spans, tracer, meter, stop } = telemetry();
  const listener = memoryListener();
  const rpcObserver = otelRpcs("client", { tracer, meter, method: () => "of the client" });
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    service: () => (request) => {
      // @ts-expect-error: a message has no such part, which is known from `messages`.
      void request.nothing;
      return body(`hello, ${request.body}`);
    },
    rpcObserver: otelRpcs("server", { tracer, meter, method: ({ body }) => `Test/${body}` }),
  });
  const client = new RpcClient(listener.dial(8), {
    codec: jsonCodec(),
    messages,
    rpcObserver,
  });
  assertEquals((await soon(client.unary(body("a")), "the answer")).body, "hello, a");
  await soon(client.close(), "the close");
  await soon(server.close(), "the server's close");
  assertEquals(
    spans.getFinishedSpans().map(({ name }) => name).sort(),
    ["Test/a", "of the client"],
  );
  await stop();
});
