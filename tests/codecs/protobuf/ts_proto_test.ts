import { create, toJson } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ConnectionError, EncodeBuffer } from "@protosocket/protosocket";
import { tsProto, type TsProtoType } from "@protosocket/protosocket/ts-proto";
import { Request, Response } from "../../../examples/proto/gen/echo.ts";
import { RequestSchema, ResponseSchema } from "../../../examples/proto/gen/echo_pb.ts";
import { decodeAll, decodeOne, encodeAll, fromHex, joined, toHex } from "../../support/codec.ts";
import { VECTORS } from "../../support/echo_vectors.ts";

/** The same message as protobuf's JSON, by the other library. */
const JSONS = {
  Request: (message: Request) => toJson(RequestSchema, create(RequestSchema, message as object)),
  Response: ({ kind, ...rest }: Response) => {
    if (kind === undefined) return toJson(ResponseSchema, create(ResponseSchema, rest));
    const init = { ...rest, kind: { case: kind.$case, value: kind.value } };
    return toJson(ResponseSchema, create(ResponseSchema, init as object));
  },
};

const TYPES: Record<string, unknown> = { Request, Response };

for (const { type, what, hex, json } of VECTORS) {
  test(`ts-proto: ${what}, byte by byte, both ways`, () => {
    const Type = TYPES[type] as TsProtoType<never>;
    const codec = tsProto(Type, Type);
    const message = decodeOne(codec, fromHex(hex));
    assertEquals(JSONS[type](message), json);
    assertEquals(toHex(encodeAll(codec, message)), toHex(fromHex(hex)));
  });
}

const REQUEST: Request = { requestId: 1n, code: 0, body: undefined, responseBehavior: 0 };

/** Why bytes are no message, and how many messages came before. */
async function refusal(hex: string): Promise<ConnectionError> {
  const codec = tsProto(Request, Request);
  const good = encodeAll(codec, REQUEST);
  const { messages, error } = await decodeAll(codec, [joined(good, fromHex(hex), good)]);
  assertEquals(messages, [REQUEST]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "invalid-message");
  return error;
}

const REFUSED: [what: string, hex: string, why: string][] = [
  ["a field of nine bytes in a body of two", "02 1a 09", "of 2 bytes"],
  ["a varint that goes on behind the end", "02 08 80", "within a field"],
  ["a varint of eleven bytes", "0c 08 80 80 80 80 80 80 80 80 80 80 01", "ten bytes"],
  ["a string that is no UTF-8", "06 1a 04 0a 02 c3 28", "UTF-8"],
  ["the end of a group that nobody has begun", "03 0c 08 07", "2 bytes early"],
  ["a group without an end", "02 2b 28", "within a field"],
  ["a wire type that there is not", "02 2f 00", "wire type 7"],
];

for (const [what, hex, why] of REFUSED) {
  test(`ts-proto: ${what} ends the input, after the messages before`, async () => {
    assertStringIncludes((await refusal(hex)).message, why);
  });
}

test("ts-proto: fields that the schema does not have are passed over", () => {
  // A number, eight bytes, text, a group within a group, four bytes; and then the id.
  const hex = "21  a0 06 05  a1 06 1 2 3 4 5 6 7 8  a2 06 01 41  a3 06 ab 06 ac 06 a4 06  " +
    "a5 06 01 02 03 04  08 07";
  const bytes = fromHex(hex.replace(/\b\d\b/g, "0$&"));
  assertEquals(decodeOne(tsProto(Request, Request), bytes), { ...REQUEST, requestId: 7n });
});

test("ts-proto: what cannot be written throws, and harms no message before or after it", () => {
  const codec = tsProto(Request, Request);
  const out = new EncodeBuffer();
  codec.encoder.encode(REQUEST, out);
  for (const bad of [{ code: -1 }, { code: 1.5 }, { requestId: -1n }, { requestId: 2n ** 64n }]) {
    const before = out.length;
    let error: unknown;
    try {
      codec.encoder.encode({ ...REQUEST, body: { message: "x", nanotime: 1n }, ...bad }, out);
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, Error, JSON.stringify(Object.keys(bad)));
    out.truncate(before);
  }
  codec.encoder.encode(REQUEST, out);
  assertEquals(toHex(out.take()), "02 08 01 02 08 01");
});

test("ts-proto: bytes that are none are refused", () => {
  const Bytes: TsProtoType<Uint8Array> = {
    encode: (value, writer) => (writer as BinaryWriter).uint32(10).bytes(value),
    decode: () => new Uint8Array(),
  };
  const { encoder } = tsProto(Bytes, Bytes);
  for (const wrong of [new Uint16Array(2), new ArrayBuffer(2), "ab", [1, 2]]) {
    const encode = () => encoder.encode(wrong as never, new EncodeBuffer());
    assertThrows(encode, TypeError, "invalid bytes: ");
  }
});

test("ts-proto: code that has a writer of its own may use it", () => {
  const own: TsProtoType<number> = {
    encode: (value) => new BinaryWriter().uint32(8).uint32(value),
    decode: () => 0,
  };
  assertEquals(toHex(encodeAll(tsProto(own, own), 300, 1)), "03 08 ac 02 02 08 01");
});

test("ts-proto: an error names the type, where ts-proto was told to", async () => {
  const named = { $type: "tests.Named", decode: Request.decode, encode: Request.encode };
  const { error } = await decodeAll(tsProto(named, named), [fromHex("02 1a 09")]);
  assertInstanceOf(error, ConnectionError);
  assertStringIncludes(error.message, "tests.Named");
});
