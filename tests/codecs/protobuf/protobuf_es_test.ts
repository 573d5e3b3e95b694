import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { Connection, ConnectionError, duplexPair } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, RpcClient, rpcReactor } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../../../examples/support/echo_es.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../../examples/proto/gen/echo_pb.ts";
import { decodeAll, decodeOne, encodeAll, fromHex, toHex } from "../../support/codec.ts";
import { VECTORS } from "../../support/echo_vectors.ts";
import { outcome, soon } from "../../support/within.ts";

const SCHEMAS = { Request: RequestSchema, Response: ResponseSchema };

for (const { type, what, hex, json } of VECTORS) {
  test(`protobuf-es: ${what}, byte by byte, both ways`, () => {
    const schema = SCHEMAS[type];
    const codec = protobufEs(schema, schema);
    assertEquals(toHex(encodeAll(codec, fromJson(schema, json))), toHex(fromHex(hex)));
    assertEquals(toJson(schema, decodeOne(codec, fromHex(hex))), json);
  });
}

test("protobuf-es: a body that does not parse ends the input, and names its type", async () => {
  const good = encodeAll(protobufEs(RequestSchema, RequestSchema), create(RequestSchema));
  // A field of nine bytes in a body of two, and a group that nobody has opened.
  for (const bad of ["02 1a 09", "01 0c"]) {
    const chunks = [good, fromHex(bad), good];
    const { messages, error } = await decodeAll(protobufEs(RequestSchema, ResponseSchema), chunks);
    assertEquals(messages.length, 1);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "invalid-message");
    assertStringIncludes(error.message, "protosocket.examples.Request");
    assertInstanceOf(error.cause, Error);
  }
});

test("protobuf-es: unknown fields are accepted", () => {
  const codec = protobufEs(RequestSchema, RequestSchema);
  assertEquals(decodeOne(codec, fromHex("05 08 07 a8 06 01")).requestId, 7n);
});

/** An echo server and its client, joined in memory. */
function echo() {
  const [here, there] = duplexPair();
  const ids: unknown[] = [];
  new Connection(there, {
    codec: protobufEs(RequestSchema, ResponseSchema),
    reactor: rpcReactor<Request, Response>(echoMessages, ({ body, responseBehavior }, { id }) => {
      ids.push(id);
      if (!body) return refused;
      if (responseBehavior === ResponseBehavior.UNARY) {
        return fromJson(ResponseSchema, { echo: { message: body.message } });
      }
      return (async function* () {
        for (const message of body.message) yield fromJson(ResponseSchema, { stream: { message } });
      })();
    }),
  });
  const client = new RpcClient(here, {
    codec: protobufEs(ResponseSchema, RequestSchema),
    messages: echoMessages,
  });
  return { client, ids };
}

function request(
  message: string,
  responseBehavior: ResponseBehavior = ResponseBehavior.UNARY,
): Request {
  return create(RequestSchema, { body: create(EchoRequestSchema, { message }), responseBehavior });
}

test("protobuf-es: rpcs, with ids that are bigints in the messages", async () => {
  const { client, ids } = echo();
  const answers = await soon(
    Promise.all(["a", "b"].map((message) => client.unary(request(message)))),
    "the answers",
  );
  assertEquals(answers.map(({ kind }) => kind.value?.message), ["a", "b"]);
  let text = "";
  for await (const { kind } of client.streaming(request("hello", ResponseBehavior.STREAM))) {
    assert(kind.case === "stream");
    text += kind.value.message;
  }
  assertEquals(text, "hello");
  const refusal = await soon(outcome(client.unary(create(RequestSchema))), "the refusal");
  assertEquals(refusal.kind, "error");
  // Even for one response, odd for a stream.
  assertEquals(ids, [2, 4, 7, 8]);
  await soon(client.close(), "the end");
});

test("protobuf-es: a message that does not match its schema fails only its own call", async () => {
  const { client } = echo();
  const wrong = create(RequestSchema, { code: -1 });
  const [bad, good] = [outcome(client.unary(wrong)), outcome(client.unary(request("fine")))];
  assertEquals((await soon(bad, "the bad call")).kind, "error");
  assertEquals((await soon(good, "the good call")).kind, "value");
  await soon(client.close(), "the end");
});
