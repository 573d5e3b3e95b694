// The cases that the conformance tests of gRPC and Connect distinguish, as a table: for each kind of
// method, what the server is told to do, what the client does, and what it must then have seen.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  Metadata,
  type MetadataInit,
  type ServerContext,
  serveServices,
  serviceClient,
  ServiceError,
  type ServiceErrorCode,
  STATUS_CODES,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";

/** What a request tells the server to do. */
const Order = z.object({
  metadata: z.record(z.string(), z.array(z.string())).optional(),
  trailers: z.record(z.string(), z.array(z.string())).optional(),
  /** The items, or the one response. */
  data: z.array(z.string()).optional(),
  /** How it fails, after the items. */
  error: z.object({ code: z.string(), message: z.string(), details: z.number() }).optional(),
  /** Whether it goes on for ever after the items. */
  hangs: z.boolean().optional(),
  /** For a stream of requests: how many are read before the answer; all of them if not given. */
  reads: z.number().optional(),
});
type Order = z.infer<typeof Order>;

const Conformance = defineService("test.Conformance", {
  unary: { request: Order, response: z.string() },
  serverStream: { kind: "server_streaming", request: Order, response: z.string() },
  clientStream: { kind: "client_streaming", request: Order, response: z.string() },
  bidi: { kind: "bidi_streaming", request: Order, response: z.string() },
});

function announce(order: Order, { responseMetadata, trailers }: ServerContext): void {
  for (const [to, from] of [[responseMetadata, order.metadata], [trailers, order.trailers]]) {
    for (const [key, values] of Object.entries((from ?? {}) as Record<string, string[]>)) {
      for (const value of values) (to as Metadata).append(key, value);
    }
  }
}

async function finish({ error, hangs }: Order, { signal }: ServerContext): Promise<void> {
  if (hangs) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended.push((signal.reason as ServiceError).code);
  }
  if (!error) return;
  throw new ServiceError(error.code as ServiceErrorCode, error.message, {
    details: Array.from({ length: error.details }, (_, i) => ({
      typeUrl: `type.googleapis.com/test.Detail${i}`,
      value: new Uint8Array(i),
    })),
  });
}

/** Why the server's signal fired, of each call that was waiting for that. */
const ended: string[] = [];

/** Reads as many requests as the first says; returns that, and how many there were. */
async function read(orders: AsyncIterable<Order>): Promise<[Order, number]> {
  let first: Order | undefined;
  let count = 0;
  for await (const order of orders) {
    first ??= order;
    if (++count === first.reads) break;
  }
  return [first ?? {}, count];
}

const conformance = implement(Conformance, {
  async unary(order, context) {
    announce(order, context);
    await finish(order, context);
    return order.data?.[0] ?? "";
  },
  async *serverStream(order, context) {
    announce(order, context);
    yield* order.data ?? [];
    await finish(order, context);
  },
  async clientStream(orders, context) {
    const [order, count] = await read(orders);
    announce(order, context);
    await finish(order, context);
    return `${order.data?.[0] ?? ""}${count}`;
  },
  async *bidi(orders, context) {
    const [order, count] = await read(orders);
    announce(order, context);
    yield* order.data ?? [];
    yield String(count);
    await finish(order, context);
  },
});

type Kind = keyof typeof Conformance.methods;
const KINDS: readonly Kind[] = ["unary", "serverStream", "clientStream", "bidi"];

/** What a client saw of a call. */
interface Seen {
  metadata?: [string, string][];
  trailers?: [string, string][];
  data: string[];
  error?: unknown;
}

interface Case {
  /** For which kinds of methods; all if not given. */
  readonly kinds?: readonly Kind[];
  readonly order: Order;
  /** How many requests are sent, if they are a stream, and whether they are never ended. */
  readonly requests?: number;
  readonly open?: boolean;
  /** After how many responses the client cancels, with a signal or by leaving the stream. */
  readonly cancelAfter?: number;
  readonly timeout?: number;
  /** What the client must see, besides the number of requests that streams of them end with. */
  readonly data?: readonly string[];
  readonly code?: ServiceErrorCode | "aborted by the signal";
  /** Why the server's signal must have fired. */
  readonly server?: ServiceErrorCode;
}

const PAIRS = { metadata: { m: ["1", "2"], n: ["3"] }, trailers: { t: ["4", "5"] } };
const STREAMS: readonly Kind[] = ["serverStream", "bidi"];
const REQUESTS: readonly Kind[] = ["clientStream", "bidi"];
const failure = (code: string, details = 0) => ({ error: { code, message: `${code} ☃`, details } });

const CASES: Record<string, Case> = {
  "a success": { order: { data: ["a"] }, data: ["a"] },
  "a success with metadata and trailers, each several times": {
    order: { ...PAIRS, data: ["a"] },
    data: ["a"],
  },
  "a stream of nothing": { kinds: ["serverStream"], order: {}, data: [] },
  "a stream of nothing, with metadata and trailers": {
    kinds: ["serverStream"],
    order: PAIRS,
    data: [],
  },
  "a stream of several": {
    kinds: STREAMS,
    order: { data: ["a", "b", "c"] },
    data: ["a", "b", "c"],
  },
  "no requests": { kinds: REQUESTS, order: {}, requests: 0 },
  "several requests": { kinds: REQUESTS, order: { data: ["a"] }, requests: 5, data: ["a"] },
  "an answer before the half-close": {
    kinds: REQUESTS,
    order: { data: ["a"], reads: 2 },
    requests: 3,
    open: true,
    data: ["a"],
  },
  "a failure before the half-close": {
    kinds: ["clientStream"],
    order: { ...failure("aborted"), reads: 1 },
    requests: 1,
    open: true,
    code: "aborted",
  },
  "a failure without an item": {
    kinds: ["unary", "serverStream", "clientStream"],
    order: { ...PAIRS, ...failure("not-found", 3) },
    code: "not-found",
  },
  "a failure after items": {
    kinds: STREAMS,
    order: { ...PAIRS, data: ["a", "b"], ...failure("data-loss", 1) },
    data: ["a", "b"],
    code: "data-loss",
  },
  "large metadata and trailers": {
    order: {
      metadata: { m: ["x".repeat(7000)] },
      trailers: { t: ["y".repeat(7000)] },
      data: ["a"],
    },
    data: ["a"],
  },
  "a deadline before an answer": {
    kinds: ["unary", "serverStream", "clientStream"],
    order: { hangs: true },
    timeout: 30,
    code: "deadline-exceeded",
    server: "deadline-exceeded",
  },
  "a deadline while requests are open": {
    kinds: REQUESTS,
    order: {},
    open: true,
    timeout: 30,
    code: "deadline-exceeded",
  },
  "a cancel before the first response": {
    kinds: ["unary", "serverStream", "clientStream"],
    order: { hangs: true },
    cancelAfter: 0,
    code: "aborted by the signal",
  },
  "a cancel before the half-close": {
    kinds: REQUESTS,
    order: {},
    requests: 2,
    open: true,
    cancelAfter: 0,
    code: "aborted by the signal",
  },
  "a cancel after responses": {
    kinds: ["serverStream"],
    order: { data: ["a", "b"], hangs: true },
    cancelAfter: 2,
    data: ["a", "b"],
    code: "aborted by the signal",
    server: "cancelled",
  },
  // The number of requests is the third item.
  "a cancel after responses and the half-close": {
    kinds: ["bidi"],
    order: { data: ["a", "b"], hangs: true },
    cancelAfter: 3,
    data: ["a", "b", "1"],
    code: "aborted by the signal",
    server: "cancelled",
  },
  ...Object.fromEntries(
    Object.keys(STATUS_CODES).filter((code) => code !== "ok").map((code): [string, Case] => [
      `the code ${code}`,
      { kinds: ["unary", "serverStream"], order: failure(code), code: code as ServiceErrorCode },
    ]),
  ),
};

const ABORTED = new Error("aborted by the signal");

/** Makes the call of a case, and tells what came of it. */
async function make(
  client: ReturnType<typeof createClient<typeof Conformance>>,
  kind: Kind,
  { order, requests = 1, open = false, cancelAfter, timeout }: Case,
): Promise<Seen> {
  const seen: Seen = { data: [] };
  const abort = new AbortController();
  const list = (metadata: Metadata) =>
    [...metadata].map(([key]) => key).filter((key, i, keys) => keys.indexOf(key) === i)
      .flatMap((key) => metadata.getAll(key).map((value): [string, string] => [key, value]));
  const options = {
    signal: abort.signal,
    ...(timeout !== undefined && { timeout }),
    onMetadata: (metadata: Metadata) => seen.metadata = list(metadata),
    onTrailers: (trailers: Metadata) => seen.trailers = list(trailers),
  };
  async function* orders() {
    for (let i = 0; i < requests; i++) yield order;
    if (open) await new Promise((resolve) => abort.signal.addEventListener("abort", resolve));
  }
  try {
    if (cancelAfter === 0) setTimeout(() => abort.abort(ABORTED), 5);
    if (kind === "unary") seen.data.push(await client.unary(order, options));
    else if (kind === "clientStream") seen.data.push(await client.clientStream(orders(), options));
    else {
      const stream = kind === "bidi"
        ? client.bidi(orders(), options)
        : client.serverStream(order, options);
      for await (const item of stream) {
        seen.data.push(item);
        if (seen.data.length === cancelAfter) abort.abort(ABORTED);
      }
    }
  } catch (error) {
    seen.error = error;
  }
  abort.abort();
  return seen;
}

/** The pairs that an order has the server send. */
function pairs(of: MetadataInit | undefined): [string, string][] | undefined {
  if (of === undefined) return undefined;
  return [...new Metadata(of)].map(([key, value]) => [key, String(value)]);
}

async function serve() {
  const { listen, connect } = await sockets();
  const listener = await listen({ hostname: "127.0.0.1", port: 0 });
  const errors: unknown[] = [];
  const server = serveServices(listener, {
    services: [conformance],
    onError: (error) => errors.push(error),
  });
  const { address } = listener;
  assert(address.transport === "tcp");
  const connection = serviceClient(await connect({ hostname: "127.0.0.1", port: address.port }));
  const close = async () => {
    connection.abort();
    await soon(server.close({ timeout: 0 }), "the server's end");
  };
  return { client: createClient(Conformance, connection), connection, errors, close };
}

for (const kind of KINDS) {
  for (const [name, one] of Object.entries(CASES)) {
    if (one.kinds && !one.kinds.includes(kind)) continue;
    test(`${kind}: ${name}`, async () => {
      const { client, connection, errors, close } = await serve();
      ended.length = 0;
      const seen = await soon(make(client, kind, one), "the end of the call");
      const { order, requests = 1, code } = one;
      const data = [...one.data ?? []];
      const counted = String(Math.min(requests, order.reads ?? Infinity));
      if (kind === "clientStream" && code === undefined) data[0] = (data[0] ?? "") + counted;
      const isCut = one.cancelAfter !== undefined || one.timeout !== undefined;
      if (kind === "bidi" && !isCut) data.push(counted);
      assertEquals(seen.data, data);
      if (!isCut) {
        // A failure has no metadata of its own if nothing came before it.
        if (requests > 0) assertEquals(seen.metadata, pairs(order.metadata));
        if (requests > 0) assertEquals(seen.trailers, pairs(order.trailers));
      }
      if (code === undefined) {
        assertEquals(seen.error, undefined);
      } else if (code === "aborted by the signal") {
        assertEquals(seen.error, ABORTED);
      } else {
        const error = seen.error as ServiceError;
        assertEquals(error.code, code, String(error));
        if (order.error) {
          assertEquals(error.message, order.error.message);
          assertEquals(error.details.map(({ value }) => value.length), [
            ...Array(order.error.details).keys(),
          ]);
        }
      }
      if (one.server) {
        while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        assertEquals(ended, [one.server]);
      }
      while (connection.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      assertEquals(errors, []);
      await close();
    });
  }
}
