/**
 * OpenTelemetry for RPCs and connections: spans and metrics through `@opentelemetry/api`,
 * named by the RPC semantic conventions (opentelemetry.io/docs/specs/semconv/rpc).
 *
 * For typed services, these are the interceptors {@linkcode otelClient} and {@linkcode otelServer}:
 * the server's span is a child of the client's. Other RPCs have no field for a trace context, so
 * that with {@linkcode otelRpcs} it is not.
 *
 * @example A server with spans and metrics
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { listen } from "@protosocket/protosocket/sockets";
 * import { otelConnections, otelRpcs } from "@protosocket/protosocket/otel";
 * import { rpcFields, serveRpc } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Message>(),
 *   messages,
 *   service: () => ({ text }) => ({ text: `hello, ${text}` }),
 *   observer: otelConnections(),
 *   rpcObserver: otelRpcs("server", { method: ({ text }) => text ? "Greeter/hello" : "Greeter/none" }),
 * });
 * console.log(server.address);
 * ```
 *
 * @module
 */
import {
  type Attributes,
  type Meter,
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { ConnectionObserver } from "../../mod.ts";
import type { RpcObserver } from "../rpc/mod.ts";

export type { Meter, Tracer } from "@opentelemetry/api";
export { otelClient, otelServer, type OtelServicesOptions } from "./otel_services.ts";

const NAME = "@protosocket/protosocket";

/** Options of {@linkcode otelConnections}. */
export interface OtelConnectionsOptions {
  /**
   * Makes the instruments.
   *
   * @default {metrics.getMeter("@protosocket/protosocket")}
   */
  readonly meter?: Meter;
}

/** Options of {@linkcode otelRpcs}. */
export interface OtelRpcsOptions<Request> extends OtelConnectionsOptions {
  /**
   * Makes the spans.
   *
   * @default {trace.getTracer("@protosocket/protosocket")}
   */
  readonly tracer?: Tracer;
  /**
   * Returns the method that a request calls, for `rpc.method` and the name of the span. Keep
   * the number of different names small, as each becomes a metric series.
   *
   * @default {() => "call"}
   */
  readonly method?: (request: Request) => string;
}

/**
 * Makes an observer of RPCs: a span for each, and the histogram `rpc.client.call.duration`
 * or `rpc.server.call.duration`, in seconds. An RPC that failed has the attribute
 * `error.type`: the error's code, or its name if it has none.
 *
 * Within the options of a server or a client, `method` is written before their request is known:
 * annotate its parameter to have it checked.
 */
// deno-lint-ignore no-explicit-any
export function otelRpcs<Request = any>(
  side: "client" | "server",
  options: OtelRpcsOptions<Request> = {},
): RpcObserver<Request> {
  const {
    tracer = trace.getTracer(NAME),
    meter = metrics.getMeter(NAME),
    method = () => "call",
  } = options;
  const kind = side === "client" ? SpanKind.CLIENT : SpanKind.SERVER;
  const duration = meter.createHistogram(`rpc.${side}.call.duration`, {
    description: "How long rpcs took.",
    unit: "s",
  });
  return {
    onRpc({ request, remoteAddress }) {
      const name = method(request);
      const common: Attributes = { "rpc.system.name": "protosocket", "rpc.method": name };
      const span = tracer.startSpan(name, {
        kind,
        attributes: remoteAddress?.transport === "tcp"
          ? {
            ...common,
            "network.peer.address": remoteAddress.hostname,
            "network.peer.port": remoteAddress.port,
          }
          : common,
      });
      const started = performance.now();
      return (error) => {
        const type = error === undefined ? undefined : errorType(error);
        if (type !== undefined) {
          span.setAttribute("error.type", type);
          span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(error) });
        }
        span.end();
        duration.record(
          (performance.now() - started) / 1000,
          type === undefined ? common : { ...common, "error.type": type },
        );
      };
    },
  };
}

/**
 * Makes an observer of connections: `protosocket.connections` (open now),
 * `protosocket.io` (bytes) and `protosocket.messages`, each with `network.io.direction`,
 * and `protosocket.queue` (messages waiting to be sent, recorded at each batch).
 */
export function otelConnections(options: OtelConnectionsOptions = {}): ConnectionObserver {
  const { meter = metrics.getMeter(NAME) } = options;
  const open = meter.createUpDownCounter("protosocket.connections", {
    description: "Connections that are open.",
    unit: "{connection}",
  });
  const bytes = meter.createCounter("protosocket.io", {
    description: "Bytes received and sent.",
    unit: "By",
  });
  const messages = meter.createCounter("protosocket.messages", {
    description: "Messages received and sent.",
    unit: "{message}",
  });
  const queue = meter.createHistogram("protosocket.queue", {
    description: "Messages that wait to be sent, after a batch.",
    unit: "{message}",
  });
  const received = { "network.io.direction": "receive" };
  const sent = { "network.io.direction": "transmit" };
  return {
    onOpen: () => open.add(1),
    onBytesReceived: (count) => bytes.add(count, received),
    onMessagesReceived: (count) => messages.add(count, received),
    onMessagesSent(count, queued) {
      messages.add(count, sent);
      queue.record(queued);
    },
    onBytesSent: (count) => bytes.add(count, sent),
    onClose: () => open.add(-1),
  };
}

function errorType(error: unknown): string {
  try {
    const { code, name } = error as { code?: unknown; name?: unknown };
    return typeof code === "string" ? code : typeof name === "string" ? name : "_OTHER";
  } catch {
    // Null, or something with getters that throw.
    return "_OTHER";
  }
}

function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "a value that has no text";
  }
}
