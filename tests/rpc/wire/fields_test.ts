// A message mapping by the names of two fields.
import { create } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type Codec, Connection, duplexPair } from "../../../mod.ts";
import { json } from "../../../src/codecs/json.ts";
import {
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u32,
  u64,
} from "../../../src/codecs/messagepack.ts";
import { protobufEs } from "../../../src/codecs/protobuf_es.ts";
import { tsProto } from "../../../src/codecs/ts_proto.ts";
import {
  RpcClient,
  rpcFields,
  type RpcId,
  type RpcMessage,
  rpcReactor,
} from "../../../src/rpc/mod.ts";
import { Request } from "../../../examples/proto/gen/echo.ts";
import { type Request as EsRequest, RequestSchema } from "../../../examples/proto/gen/echo_pb.ts";
import { soon } from "../../support/within.ts";

interface Plain {
  id: number;
  code?: number;
  text?: string;
}

interface Packed {
  requestId: RpcId;
  code: number;
  text?: string | undefined;
}

const plain = rpcFields<Plain>({ id: "id", code: "code" });
const packed = rpcFields<Packed>({ id: "requestId", code: "code" });
const tsRequest = rpcFields(
  { id: "requestId", code: "code" },
  (): Request => ({ requestId: 0n, code: 0, body: undefined, responseBehavior: 0 }),
);
const esRequest: RpcMessage<EsRequest> = rpcFields(
  { id: "requestId", code: "code" },
  () => create(RequestSchema),
);
const packing: Schema<Packed> = struct("Packed", {
  requestId: u64,
  code: u32,
  text: option(string),
});

/** A stream of two echoes, and one that is cancelled. */
async function converse<Message>(
  codec: () => Codec<Message, Message>,
  message: RpcMessage<Message>,
  request: () => Message,
): Promise<Message[]> {
  const messages = { request: message, response: message };
  const [here, there] = duplexPair();
  const left: string[] = [];
  await using _server = new Connection(there, {
    codec: codec(),
    reactor: rpcReactor(messages, async function* (request: Message) {
      try {
        yield request;
        yield request;
      } finally {
        left.push("left");
      }
    }),
  });
  await using client = new RpcClient(here, { codec: codec(), messages });
  const items: Message[] = [];
  for await (const item of client.streaming(request())) items.push(item);
  for await (const _ of client.streaming(request())) break;
  await soon(client.close(), "the close");
  return items;
}

test("rpcFields: JSON", async () => {
  const items = await converse<Plain>(() => json(), plain, () => ({ id: 0, text: "a" }));
  assertEquals(items.map(({ id, text }) => [typeof id, text]), [["number", "a"], ["number", "a"]]);
});

test("rpcFields: what is no object fails its own RPC alone, also an array, which loses its id", async () => {
  const told = "A message must be an object, not ";
  const wrong: [message: unknown, what: string][] = [
    [["a"], "an array"],
    [undefined, "undefined"],
    ["a", '"a"'],
  ];
  const errors: string[] = [];
  const [here, there] = duplexPair();
  const messages = { request: plain, response: plain };
  await using _server = new Connection(there, {
    codec: json<Plain>(),
    reactor: rpcReactor(messages, ({ text }) => wrong[Number(text)]?.[0] as Plain ?? { text }, {
      onError: (error) => errors.push(String(error)),
    }),
  });
  await using client = new RpcClient(here, { codec: json<Plain>(), messages });
  const other = client.unary({ id: 0, text: "other" });
  for (const [i, [message, what]] of wrong.entries()) {
    const call = client.unary(message as Plain);
    assertEquals(
      await soon(call.catch(String), "a failure"),
      `RpcError: The request cannot be sent: ${told}${what}`,
    );
    if (message === undefined) continue;
    await soon(client.unary({ id: 0, text: String(i) }).catch(() => {}), "a failure");
    assertEquals(errors.splice(0), [`TypeError: ${told}${what}`]);
  }
  assertEquals((await soon(other, "an answer")).text, "other");
});

test("rpcFields: MessagePack", async () => {
  const codec = () => messagePack(packing, packing);
  const items = await converse(codec, packed, () => ({ requestId: 0, code: 0, text: "a" }));
  assertEquals(items.map(({ text }) => text), ["a", "a"]);
});

test("rpcFields: ts-proto, whose ids are bigints", async () => {
  const request = (): Request => ({
    requestId: 0n,
    code: 0,
    body: { message: "a", nanotime: 1n },
    responseBehavior: 1,
  });
  const items = await converse(() => tsProto(Request, Request), tsRequest, request);
  assertEquals(items.map(({ body }) => body?.message), ["a", "a"]);
  assertEquals(tsRequest.ended(7), {
    requestId: 7n,
    code: 2,
    body: undefined,
    responseBehavior: 0,
  });
});

test("rpcFields: protobuf-es, whose ids are bigints", async () => {
  const request = () => create(RequestSchema, { body: { message: "a" } });
  const items = await converse(
    () => protobufEs(RequestSchema, RequestSchema),
    esRequest,
    request,
  );
  assertEquals(items.map(({ body }) => body?.message), ["a", "a"]);
  const cancelled = esRequest.cancelled(2n ** 64n - 1n);
  assertEquals([cancelled.requestId, cancelled.code], [2n ** 64n - 1n, 1]);
});

test("rpcFields: a code that is not there is normal, an id is as it was read", () => {
  assertEquals(plain.code({ id: 1 }), 0);
  assertEquals([plain.cancelled(3), plain.ended(4)], [{ id: 3, code: 1 }, { id: 4, code: 2 }]);
  const message = { requestId: 0, code: 0 };
  packed.setId(message, 2n ** 63n);
  assertEquals(packed.id(message), 2n ** 63n);
});

test("rpcFields: what has no names is refused at once", () => {
  assertThrows(() => rpcFields({ id: "id" } as never), TypeError, "not undefined");
  assertThrows(() => rpcFields({ id: "id", code: "id" } as never), TypeError, "both in id");
});

test("rpcFields: the types know which names are enough", () => {
  // @ts-expect-error: there is no such field.
  rpcFields<Plain>({ id: "number", code: "code" });
  // @ts-expect-error: a text is no id.
  rpcFields<Plain>({ id: "text", code: "code" });
  // @ts-expect-error: others must be there too.
  rpcFields<Request>({ id: "requestId", code: "code" });
  // @ts-expect-error: whether ids are bigints is known by an empty message alone.
  rpcFields<{ id: bigint; code: number }>({ id: "id", code: "code" });
  rpcFields<{ id: bigint; code: number }>({ id: "id", code: "code" }, () => ({ id: 0n, code: 0 }));
});
