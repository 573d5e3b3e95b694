import {
  type Attributes,
  type Context,
  context as contexts,
  createTraceState,
  isSpanContextValid,
  type Meter,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type {
  ClientInterceptor,
  Metadata,
  MethodDefinition,
  ServerInterceptor,
} from "../services/mod.ts";

const NAME = "@protosocket/protosocket";

/** Options of {@linkcode otelClient} and {@linkcode otelServer}. */
export interface OtelServicesOptions {
  /**
   * Makes the spans.
   *
   * @default {trace.getTracer("@protosocket/protosocket")}
   */
  readonly tracer?: Tracer;
  /**
   * Makes the instruments.
   *
   * @default {metrics.getMeter("@protosocket/protosocket")}
   */
  readonly meter?: Meter;
}

/**
 * Makes an interceptor for clients of services: a span for each call, whose context goes with it as
 * `traceparent` in the metadata, and the histogram `rpc.client.call.duration`, in seconds. A call
 * that failed has the attributes `rpc.response.status_code` and `error.type`.
 *
 * @example
 * ```ts
 * import { otelClient, otelServer } from "@protosocket/protosocket/otel";
 * import { createClient, Health, health, inMemory } from "@protosocket/protosocket/services";
 *
 * const server = inMemory([health()], { interceptors: [otelServer()] });
 * const client = createClient(Health, server, { interceptors: [otelClient()] });
 * console.log((await client.check({})).status); // serving
 * ```
 */
export function otelClient(options: OtelServicesOptions = {}): ClientInterceptor {
  const calls = new Calls("client", options);
  return (next) => (call) => {
    const { method, metadata } = call.context;
    const observed = calls.begin(method, contexts.active(), {});
    inject(observed.span, metadata);
    return observed.run(() => next(call));
  };
}

/**
 * Makes an interceptor for servers of services: a span for each call, which is a child of the
 * client's, and active while the handler runs, and the histogram `rpc.server.call.duration`. See
 * {@linkcode otelClient}.
 */
export function otelServer(options: OtelServicesOptions = {}): ServerInterceptor {
  const calls = new Calls("server", options);
  return (next) => (call) => {
    const { method, metadata, peer } = call.context;
    const { address } = peer;
    const attributes: Attributes = address?.transport === "tcp"
      ? { "network.peer.address": address.hostname, "network.peer.port": address.port }
      : {};
    return calls.begin(method, extract(metadata), attributes).run(() => next(call));
  };
}

/** Makes the spans and measures the calls of one end. */
class Calls {
  readonly #kind: SpanKind;
  readonly #tracer: Tracer;
  readonly #duration: ReturnType<Meter["createHistogram"]>;

  constructor(side: "client" | "server", options: OtelServicesOptions) {
    const { tracer = trace.getTracer(NAME), meter = metrics.getMeter(NAME) } = options;
    this.#kind = side === "client" ? SpanKind.CLIENT : SpanKind.SERVER;
    this.#tracer = tracer;
    this.#duration = meter.createHistogram(`rpc.${side}.call.duration`, {
      description: "How long calls took.",
      unit: "s",
    });
  }

  begin({ path, kind }: MethodDefinition, parent: Context, more: Attributes): ObservedCall {
    const common: Attributes = { "rpc.system.name": "protosocket", "rpc.method": path };
    const attributes = { ...common, ...more };
    const span = this.#tracer.startSpan(path, { kind: this.#kind, attributes }, parent);
    const isStream = kind === "server_streaming" || kind === "bidi_streaming";
    return new ObservedCall(span, trace.setSpan(parent, span), isStream, common, this.#duration);
  }
}

/** A call with its span. */
class ObservedCall {
  readonly span: Span;
  readonly #context: Context;
  readonly #isStream: boolean;
  readonly #common: Attributes;
  readonly #duration: ReturnType<Meter["createHistogram"]>;
  readonly #started = performance.now();
  #ended = false;

  constructor(
    span: Span,
    context: Context,
    isStream: boolean,
    common: Attributes,
    duration: ReturnType<Meter["createHistogram"]>,
  ) {
    this.span = span;
    this.#context = context;
    this.#isStream = isStream;
    this.#common = common;
    this.#duration = duration;
  }

  /** Passes the call on, with its span active, until it has ended. */
  async run(pass: () => Promise<unknown>): Promise<unknown> {
    try {
      const answer = await contexts.with(this.#context, pass);
      if (this.#isStream) return this.#items(answer as AsyncIterable<unknown>);
      this.#end(undefined);
      return answer;
    } catch (error) {
      this.#end(error ?? new Error("undefined was thrown"));
      throw error;
    }
  }

  /** The items of a stream, which is over when its last has been read. */
  #items(answer: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterableIterator<unknown> {
    const inside = <T>(work: () => T): T => contexts.with(this.#context, work);
    const iterator = inside(() =>
      Symbol.asyncIterator in answer ? answer[Symbol.asyncIterator]() : answer[Symbol.iterator]()
    );
    const items: AsyncIterableIterator<unknown> = {
      next: async () => {
        try {
          const result = await inside(() => iterator.next());
          if (result.done) this.#end(undefined);
          return result;
        } catch (error) {
          this.#end(error ?? new Error("undefined was thrown"));
          throw error;
        }
      },
      return: async () => {
        this.#end(undefined);
        await inside(() => iterator.return?.());
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => items,
    };
    return items;
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    let attributes = this.#common;
    if (error !== undefined) {
      const { code, name } = error instanceof Error
        ? error as Error & { code?: string }
        : { code: undefined, name: "_OTHER" };
      // What is no ServiceError reaches the caller as this.
      const status = name === "ServiceError" ? code! : "internal";
      const type = name === "ServiceError" ? code! : name;
      const failed = { "rpc.response.status_code": status, "error.type": type };
      attributes = { ...attributes, ...failed };
      this.span.setAttributes(failed);
      this.span.setStatus({
        code: SpanStatusCode.ERROR,
        message: error instanceof Error ? error.message : type,
      });
    }
    this.span.end();
    this.#duration.record((performance.now() - this.#started) / 1000, attributes);
  }
}

/** Writes the headers of W3C Trace Context. */
function inject(span: Span, metadata: Metadata): void {
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return;
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const flags = traceFlags.toString(16).padStart(2, "0");
  metadata.set("traceparent", `00-${traceId}-${spanId}-${flags}`);
  const state = traceState?.serialize();
  if (state) metadata.set("tracestate", state);
}

/** Reads the headers of W3C Trace Context (w3.org/TR/trace-context, "traceparent"). */
function extract(metadata: Metadata): Context {
  const active = contexts.active();
  const found = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-|$)/
    .exec(metadata.get("traceparent") ?? "");
  if (found === null) return active;
  const state = metadata.get("tracestate");
  const spanContext = {
    traceId: found[1]!,
    spanId: found[2]!,
    traceFlags: Number.parseInt(found[3]!, 16),
    isRemote: true,
    ...(state && { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(active, spanContext) : active;
}
