import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobufjs from "protobufjs";
import { Connection, ConnectionError, duplexPair } from "@protosocket/protosocket";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { RpcClient, type RpcId, type RpcMessage, rpcReactor } from "@protosocket/protosocket/rpc";
import { decodeAll, decodeOne, encodeAll, fromHex, toHex } from "../../support/codec.ts";
import { VECTORS } from "../../support/echo_vectors.ts";
import { soon } from "../../support/within.ts";

const schema = readFileSync(new URL("../../../examples/proto/echo.proto", import.meta.url), "utf8");
const { root } = protobufjs.parse(schema);
const TYPES = {
  Request: root.lookupType("protosocket.examples.Request"),
  Response: root.lookupType("protosocket.examples.Response"),
};

for (const { type, what, hex, json } of VECTORS) {
  test(`protobufjs: ${what}, byte by byte, both ways`, () => {
    const Type = TYPES[type];
    const codec = protobuf(Type, Type);
    assertEquals(toHex(encodeAll(codec, Type.fromObject(json))), toHex(fromHex(hex)));
    const message = decodeOne(codec, fromHex(hex));
    assertEquals(Type.toObject(message, { longs: String, enums: String }), json);
  });
}

test("protobufjs: a body that does not parse ends the input, and names its type", async () => {
  const codec = protobuf(TYPES.Request, TYPES.Response);
  const { messages, error } = await decodeAll(codec, [fromHex("00"), fromHex("02 1a 09")]);
  assertEquals(messages.length, 1);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "invalid-message");
  assertStringIncludes(error.message, "Request");
});

/** A message as protobufjs makes it: a 64-bit number is an object of its own. */
interface Echo extends protobufjs.Message {
  requestId?: { toString(): string };
  code?: number;
  body?: { message: string };
  echo?: { message: string };
}

function echoMessage(Type: protobufjs.Type): RpcMessage<Echo> {
  const create = (requestId: RpcId, code: number): Echo =>
    Type.fromObject({ requestId: String(requestId), code }) as Echo;
  return {
    id: ({ requestId }) => BigInt(String(requestId ?? 0)),
    setId: (message, id) => message.requestId = create(id, 0).requestId!,
    code: ({ code }) => code ?? 0,
    cancelled: (id) => create(id, 1),
    ended: (id) => create(id, 2),
  };
}

test("protobufjs: rpcs, with ids that are Longs in the messages", async () => {
  const [here, there] = duplexPair();
  const messages = {
    request: echoMessage(TYPES.Request),
    response: echoMessage(TYPES.Response),
  };
  new Connection(there, {
    codec: protobuf<Echo, Echo>(TYPES.Request, TYPES.Response),
    reactor: rpcReactor<Echo, Echo>(
      messages,
      ({ body }) => TYPES.Response.fromObject({ echo: body }) as Echo,
    ),
  });
  const client = new RpcClient<Echo, Echo>(here, {
    codec: protobuf<Echo, Echo>(TYPES.Response, TYPES.Request),
    messages,
  });
  const answers = await soon(
    Promise.all(["a", "b"].map((message) => {
      return client.unary(TYPES.Request.fromObject({ body: { message } }) as Echo);
    })),
    "the answers",
  );
  assertEquals(answers.map(({ echo }) => echo?.message), ["a", "b"]);
  await soon(client.close(), "the end");
});
