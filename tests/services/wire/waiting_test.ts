// What messages that wait keep in memory: little more than their own size.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, type SocketDuplex } from "@protosocket/protosocket";
import {
  createClient,
  implement,
  type ServerContext,
  serviceClient,
  serviceConnector,
} from "@protosocket/protosocket/services";
import { ItemStream } from "../../../src/rpc/_item_stream.ts";
import { Keeper } from "../../../src/services/envelope/keeper.ts";
import { quiet } from "../../support/quiet.ts";
import { Retained } from "../../support/retained.ts";
import { RequestSchema, ResponseSchema } from "../../support/proto/gen/services_pb.ts";
import { soon, turn } from "../../support/within.ts";
import { Prices, type PricesHandlers } from "../support.ts";
import { END, ITEM, RESERVED, STREAMS } from "./peer.ts";

const CHUNK = 64 * 1024;

/** A message whose payload is a part of a chunk. */
function message(chunk: Uint8Array, start: number, size: number) {
  return { bytes: chunk, start, end: start + size };
}

const payload = ({ bytes, start, end }: ReturnType<typeof message>) => bytes.slice(start, end);

test("messages that wait are copied if they are a small part of their chunk", () => {
  const keeper = new Keeper();
  const chunks = [1, 2, 3].map((byte) => new Uint8Array(CHUNK).fill(byte));
  const few = chunks.map((chunk) => [message(chunk, 100, 10), message(chunk, 200, 0)]).flat();
  for (const each of few) keeper.add(each);
  const own = few.map(({ bytes }) => bytes.buffer.byteLength);
  assertEquals(own, [10, 0, 10, 0, CHUNK, CHUNK]);
  assertEquals(payload(few[2]!), new Uint8Array(10).fill(2));
  assertEquals([few[2]!.start, few[2]!.end], [0, 10]);
  // None waits any more.
  keeper.clear();
  keeper.add(message(new Uint8Array(CHUNK), 0, 1));
  assertEquals(few[4]!.bytes.buffer.byteLength, CHUNK);
});

test("messages that wait are not copied if they are most of their chunk", () => {
  const keeper = new Keeper();
  const [chunk, next] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)];
  const many = Array.from({ length: 1000 }, (_, i) => message(chunk, i * 64, 60));
  for (const each of many) keeper.add(each);
  keeper.add(message(next, 0, 1));
  assert(many.every(({ bytes }) => bytes === chunk));
});

test("requests that wait count with what their metadata takes in memory", async () => {
  const services = [implement(Prices, { getQuote: hang })];
  const configure = serviceConnector({ services, maxConcurrentRpcs: 1 });
  // An entry is two bytes on the wire, and all requests that might wait are half a megabyte.
  const metadata = Array.from({ length: 100 }, () => ({}));
  let read = 0;
  const readable = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (read < 2000) {
        controller.enqueue(
          bytesOf(RequestSchema, request(2 + 2 * read++, getQuote.path, { metadata })),
        );
      }
    },
  });
  const duplex = { readable, writable: new WritableStream() };
  const connection = new Connection(duplex, await configure(duplex));
  const stopped = await quiet(() => read);
  assert(stopped > 20 && stopped < 60, `${stopped} were read`);
  assertEquals(connection.inFlight, 1);
  connection.abort();
});

test("a stream tells of its items that wait, and when none does", () => {
  const told: unknown[] = [];
  const keeper = { add: (item: string) => told.push(item), clear: () => told.push("none") };
  const events = { onLeave() {}, onTaken() {} };
  const stream = new ItemStream<string>(1000, events, { keeper: () => keeper });
  stream.next();
  for (const item of ["read", "a", "b"]) stream.push(item, 1);
  stream.poll();
  stream.next();
  stream.push("c", 1);
  stream.return();
  assertEquals(told, ["a", "b", "none", "c", "none"]);
});

/** How many chunks have a message that waits, each with something large behind it. */
const CHUNKS = 20;

/** The bytes of messages. */
function bytesOf<Schema extends DescMessage>(
  schema: Schema,
  ...messages: MessageInitShape<Schema>[]
): Uint8Array {
  const parts = messages.map((message) => sizeDelimitedEncode(schema, create(schema, message)));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** What an end ignores. */
const large = { id: 2n ** 40n, code: END, payload: new Uint8Array(8 * 1024) };

type Request = MessageInitShape<typeof RequestSchema>;
const request = (id: number, path: string, more: Request = {}): Request => ({
  id: BigInt(id),
  method: path,
  payload: new Uint8Array([0x0a, 1, 0x61]),
  ...more,
});
const { getQuote, putQuotes } = Prices.methods;

/** An end whose chunks are those that it is given, and not copies. */
function scripted(): { duplex: SocketDuplex; deliver(chunk: Uint8Array): Promise<void> } {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) });
  return {
    duplex: { readable, writable: new WritableStream() },
    async deliver(chunk) {
      controller.enqueue(chunk);
      await turn();
    },
  };
}

interface Case {
  readonly handlers: PricesHandlers;
  readonly first: readonly Request[];
  readonly each: (i: number) => Request;
  readonly inFlight: number;
}

const contexts: ServerContext[] = [];
/** A handler that goes on for ever, with what it knows of its call. */
const hang = (_?: unknown, context?: ServerContext) => {
  if (context) contexts.push(context);
  return new Promise<never>(() => {});
};
const CASES: Record<string, Case> = {
  "items that a handler does not read": {
    handlers: { putQuotes: (quotes) => quotes.next().then(() => hang()) },
    first: [{ id: STREAMS, code: END }, request(2, putQuotes.path, { stream: true })],
    each: () => ({ id: ITEM + 2n, code: END, payload: new Uint8Array([0x0a, 1, 0x61]) }),
    inFlight: 1,
  },
  "requests beyond maxConcurrentRpcs": {
    handlers: { getQuote: hang },
    first: [request(2, getQuote.path), request(4, getQuote.path)],
    each: (i) => request(10 + 2 * i, getQuote.path),
    inFlight: 2,
  },
  "requests that are being handled": {
    handlers: { putQuotes: hang },
    first: [],
    each: (i) => request(10 + 2 * i, putQuotes.path, { stream: true }),
    inFlight: CHUNKS,
  },
};

for (const [name, { handlers, first, each, inFlight }] of Object.entries(CASES)) {
  test(`a server does not keep chunks in memory for ${name}`, async () => {
    const { duplex, deliver } = scripted();
    const maxConcurrentRpcs = name.includes("maxConcurrentRpcs") ? 2 : CHUNKS;
    const services = [implement(Prices, handlers)];
    const configure = serviceConnector({ services, maxConcurrentRpcs });
    const connection = new Connection(duplex, await configure(duplex));
    await deliver(bytesOf(RequestSchema, { id: RESERVED + 1000n, code: END }, ...first));
    const retained = new Retained();
    for (let i = 0; i < CHUNKS; i++) {
      const chunk = bytesOf(RequestSchema, each(i), large);
      retained.watch(chunk.buffer);
      await deliver(chunk);
    }
    assertEquals(connection.inFlight, inFlight);
    const left = await retained.left(2);
    assert(left <= 2, `${left} chunks are kept`);
    connection.abort();
  });
}

test("a client does not keep chunks in memory for items that nobody reads", async () => {
  const { duplex, deliver } = scripted();
  const client = serviceClient(duplex);
  const stream = createClient(Prices, client).watchQuotes({});
  const retained = new Retained();
  for (let i = 0; i < CHUNKS; i++) {
    // The id of a connection's first call that is a stream.
    const item = { id: 3n, payload: new Uint8Array([0x0a, 1, 0x61]) };
    const chunk = bytesOf(ResponseSchema, item, large);
    retained.watch(chunk.buffer);
    await deliver(chunk);
  }
  assertEquals(retained.seen, CHUNKS);
  const left = await retained.left(2);
  assert(left <= 2, `${left} chunks are kept`);
  for (let i = 0; i < CHUNKS; i++) {
    const { value } = await soon(stream.next(), "an item");
    assertEquals(value?.symbol, "a");
  }
  client.abort();
});
