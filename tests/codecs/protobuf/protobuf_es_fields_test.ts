// The codec of ./protobuf-es writes and reads what the library's toBinary and fromBinary do,
// and refuses what they refuse.
import {
  create,
  type DescMessage,
  fromBinary,
  isMessage,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import fc from "fast-check";
import { deepStrictEqual } from "node:assert/strict";
import { test } from "node:test";
import { EncodeBuffer } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RequestSchema, ResponseSchema } from "../../../examples/proto/gen/echo_pb.ts";
import { MessagePlan } from "../../../src/codecs/protobuf/_plan.ts";
import { ProtobufReader } from "../../../src/codecs/protobuf/_reader.ts";
import { writeMessage } from "../../../src/codecs/protobuf/_writer.ts";
import { fromHex, takeAll, toHex } from "../../support/codec.ts";
import { message, wire } from "../../support/proto/arbitrary.ts";
import * as editions from "../../support/proto/gen/editions_pb.ts";
import * as proto2 from "../../support/proto/gen/proto2_pb.ts";
import * as proto3 from "../../support/proto/gen/proto3_pb.ts";

const SCHEMAS: readonly DescMessage[] = [
  RequestSchema,
  ResponseSchema,
  proto3.ScalarsSchema,
  proto3.OptionalsSchema,
  proto3.ListsSchema,
  proto3.MapsSchema,
  proto3.ChoicesSchema,
  proto3.KnownSchema,
  proto3.NothingSchema,
  proto2.OldSchema,
  editions.ChosenSchema,
];

function outcome<T>(work: () => T): { value: T } | { error: string } {
  try {
    return { value: work() };
  } catch (error) {
    return { error: String(error) };
  }
}

function encode(schema: DescMessage, message: Message) {
  return outcome(() => {
    const out = new EncodeBuffer();
    const { encoder } = protobufEs(schema, schema);
    encoder.encode(message, out);
    // Past the length.
    const bytes = takeAll(out);
    return toHex(bytes.subarray(bytes.findIndex((byte) => byte < 128) + 1));
  });
}

function libraryEncode(schema: DescMessage, message: Message) {
  return outcome(() => toHex(toBinary(schema, message)));
}

/** Reads bytes amid others, which are no part of the message. */
function decode(schema: DescMessage, bytes: Uint8Array) {
  return outcome(() => {
    const length: number[] = [];
    let rest = bytes.length;
    for (; rest > 127; rest >>= 7) length.push(rest & 127 | 128);
    const all = concat([Uint8Array.of(...length, rest), bytes, Uint8Array.of(8, 1, 16, 1)]);
    const result = protobufEs(schema, schema).decoder.decode(all, 0);
    if (result.kind === "invalid") throw result.cause;
    assert(result.kind === "message");
    assertEquals(result.bytesUsed, all.length - 4);
    return result.message;
  });
}

function same(schema: DescMessage, bytes: Uint8Array): void {
  const ours = decode(schema, bytes);
  deepStrictEqual(ours, outcome(() => fromBinary(schema, bytes)));
  if ("error" in ours) return;
  // What was not known is written, too; and no message shares anything with another.
  assertEquals(encode(schema, ours.value), libraryEncode(schema, ours.value));
  deepStrictEqual(decode(schema, new Uint8Array()), outcome(() => create(schema)), "another one");
}

for (const schema of SCHEMAS) {
  test(`protobuf-es: any ${schema.name} is written and read as by the library`, () => {
    fc.assert(fc.property(message(schema), (message) => {
      const bytes = toBinary(schema, message);
      assertEquals(encode(schema, message), { value: toHex(bytes) });
      same(schema, bytes);
    }));
  });

  test(`protobuf-es: any bytes are accepted as a ${schema.name} or refused exactly as by the library`, () => {
    const bytes = fc.tuple(wire(schema), fc.nat(1000), fc.nat(1000), fc.nat(255));
    fc.assert(
      fc.property(bytes, fc.boolean(), ([bytes, cut, where, byte], whole) => {
        if (whole) return same(schema, bytes);
        const part = bytes.slice(0, Math.ceil(cut * bytes.length / 1000));
        if (part.length > 0) part[where % part.length] = byte;
        same(schema, part);
      }),
      { numRuns: 300 },
    );
  });

  test(`protobuf-es: a ${schema.name} with a value of another type is encoded or refused as by the library`, () => {
    const names = [...schema.members.map(({ localName }) => localName), "$typeName", "$unknown"];
    const odd = fc.constantFrom<unknown[]>(
      ...[undefined, null, "", "1", "x", "-0", true, 0, -0, -1, 1.5, NaN, Infinity, 2 ** 31],
      ...[2 ** 32, 2 ** 53, 1e300, 0n, 5n, -5n, 2n ** 63n, 2n ** 64n, {}, [], [1], ["x"]],
      ...[{ a: 1 }, { 1: "a" }, { case: "text" }, { case: 1 }, new Uint8Array(3)],
    );
    fc.assert(
      fc.property(message(schema, 1), fc.constantFrom(...names), odd, (message, name, value) => {
        const changed = Object.assign(message, { [name]: value });
        const [ours, theirs] = [encode(schema, changed), libraryEncode(schema, changed)];
        // Where it only names a field, we say what is wrong.
        if ("error" in ours) assert("error" in theirs);
        else assertEquals(ours, theirs);
      }),
      { numRuns: 300 },
    );
  });

  test(`protobuf-es: a usual ${schema.name} does not fall back to the library`, () => {
    const plan = MessagePlan.of(schema);
    fc.assert(fc.property(message(schema), (message) => {
      const out = new EncodeBuffer();
      writeMessage(plan, message as never, out, false);
      const bytes = takeAll(out);
      const shown = JSON.stringify(message, (_, value) => typeof value === "bigint" ? 0 : value);
      // Text of a Struct's names, and of the names of maps, may be __proto__. A tag of five bytes
      // is not usual, nor is a wrapper that is a group.
      if (/__proto__|"fixed64Text":"(?!0")|"wrapped":"/.test(shown)) return;
      const read = new ProtobufReader(1_000_000).read(plan, bytes, 0, bytes.length);
      assert(isMessage(read, schema));
    }));
  });
}

const CASES: readonly [what: string, schema: DescMessage, hex: string][] = [
  ["a message that comes twice", RequestSchema, "1a 03 0a 01 61 1a 02 10 07"],
  ["a oneof's message that comes twice", ResponseSchema, "1a 03 0a 01 61 1a 02 10 07"],
  ["two cases of a oneof", ResponseSchema, "1a 03 0a 01 61 22 02 10 07"],
  ["a field that is cut off", RequestSchema, "1a 03 0a 02 61"],
  ["a varint that is cut off", RequestSchema, "08 ff"],
  ["a varint of ten bytes", RequestSchema, "08 ff ff ff ff ff ff ff ff ff 01"],
  ["a varint of eleven bytes", RequestSchema, "08 ff ff ff ff ff ff ff ff ff ff 01"],
  ["a u32 of ten bytes", RequestSchema, "10 ff ff ff ff ff ff ff ff ff 7f"],
  ["a zero in three bytes", RequestSchema, "08 80 80 00"],
  ["a tag in two bytes", RequestSchema, "88 00 07"],
  ["a tag of five bytes that is too large", RequestSchema, "88 80 80 80 10 07"],
  ["field 0", RequestSchema, "00 07"],
  ["wire type 6", RequestSchema, "0e 07"],
  ["a number as bytes", RequestSchema, "0a 01 07"],
  ["text as a number", RequestSchema, "1a 02 08 07"],
  ["bytes that are no UTF-8", RequestSchema, "1a 03 0a 01 ff"],
  ["the same where nothing is checked", editions.ChosenSchema, "1a 01 ff"],
  ["the same where it is", editions.ChosenSchema, "22 01 ff"],
  ["a byte order mark", RequestSchema, "1a 05 0a 03 ef bb bf"],
  ["groups that are not known", RequestSchema, "6b 73 08 01 74 6c"],
  ["a group that nobody ends", RequestSchema, "6b 73 08 01 74"],
  ["a group that another ends", RequestSchema, "6b 08 01 74"],
  ["an end of no group", RequestSchema, "6c"],
  ["an overlong number that is not known", RequestSchema, "68" + " 80".repeat(15) + " 00"],
  ["a closed enum's stranger", proto2.OldSchema, "08 01 18 09"],
  ["a child that is longer than its parent", RequestSchema, "1a 02 0a 04 61 61 61 61"],
  ["an entry with neither key nor value", proto3.MapsSchema, "0a 00"],
  ["an entry with two keys and a stranger", proto3.MapsSchema, "0a 08 0a 01 61 0a 01 62 18 01"],
  ["an entry of a message that comes twice", proto3.MapsSchema, "2a 08 12 02 28 01 12 02 40 01"],
  ["an entry of no message", proto3.MapsSchema, "2a 02 08 01"],
  ["an entry of no bytes", proto3.MapsSchema, "1a 02 08 01"],
  [
    "an entry by the name of __proto__",
    proto3.MapsSchema,
    "0a 0e 0a 09 5f 5f 70 72 6f 74 6f 5f 5f 12 01 61",
  ],
  ["packed and not", proto3.ListsSchema, "22 02 01 02 20 03 28 01 2a 01 02"],
  ["a packed list that ends within a number", proto3.ListsSchema, "22 01 ff 20 01"],
  ["a Struct that comes twice", proto3.KnownSchema, "32 05 0a 03 0a 01 61 32 05 0a 03 0a 01 62"],
  ["a wrapper that comes twice", proto3.KnownSchema, "22 03 0a 01 61 22 00"],
];

for (const [what, schema, hex] of CASES) {
  test(`protobuf-es: ${what}: as the library has it`, () => same(schema, fromHex(hex)));
}

test("protobuf-es: messages within messages, as deep as the library goes, and no deeper", () => {
  for (
    const [schema, open, close] of [
      [proto3.ChoicesSchema, 0x22, -1],
      [proto3.KnownSchema, 0x4a, -1],
      [editions.ChosenSchema, 0x2b, 0x2c],
    ] as const
  ) {
    for (const depth of [2, 99, 100, 101]) {
      let bytes: Uint8Array = new Uint8Array();
      for (let i = 1; i < depth; i++) {
        const length = [bytes.length & 127 | 128, bytes.length >> 7];
        bytes = close < 0
          ? concat([Uint8Array.of(open, ...length), bytes])
          : concat([Uint8Array.of(open), bytes, Uint8Array.of(close)]);
      }
      same(schema, bytes);
      assertEquals("error" in decode(schema, bytes), depth > 100);
    }
  }
});

test("protobuf-es: a Struct counts towards the nesting limit", () => {
  // struct_value within struct_value: Value and Struct and entries in turns.
  let bytes: Uint8Array = new Uint8Array();
  const wrap = (tag: number) => {
    bytes = concat([Uint8Array.of(tag, bytes.length & 127 | 128, bytes.length >> 7), bytes]);
  };
  for (let i = 0; i < 60; i++) {
    wrap(0x12);
    wrap(0x0a);
    wrap(0x2a);
    let inner: Uint8Array = bytes;
    for (let known = 0; known < 3; known++) {
      inner = concat([Uint8Array.of(0x32, inner.length & 127 | 128, inner.length >> 7), inner]);
      same(proto3.KnownSchema, inner);
    }
  }
});

test("protobuf-es: extensions and other unknown fields are encoded as they came", () => {
  const bytes = fromHex("08 01 a2 06 01 61 f8 07 05 fd 07 01 02 03 04");
  const result = decode(proto2.OldSchema, bytes);
  assert("value" in result);
  assertEquals(encode(proto2.OldSchema, result.value), { value: toHex(bytes) });
});

test("protobuf-es: a message that holds itself is refused, and nothing of it is sent", () => {
  const known = create(proto3.KnownSchema);
  known.known = known;
  const out = new EncodeBuffer();
  const { encoder } = protobufEs(proto3.KnownSchema, proto3.KnownSchema);
  assert("error" in outcome(() => encoder.encode(known, out)));
});

test("protobuf-es: bytes that are none are refused by the name of their field", () => {
  const { encoder } = protobufEs(proto3.ScalarsSchema, proto3.ScalarsSchema);
  // The library sends the first two with the length of something else, or as nothing at all.
  for (const wrong of [new Uint16Array(2), new ArrayBuffer(2), "ab", [1, 2]]) {
    const message = create(proto3.ScalarsSchema, { string: "a" });
    message.bytes = wrong as never;
    const out = new EncodeBuffer();
    assertThrows(() => encoder.encode(message, out), TypeError, "bytes must be a Uint8Array, not");
  }
});

test("protobuf-es: what create() has not made is refused by the name of its type", () => {
  const { encoder } = protobufEs(proto3.ScalarsSchema, proto3.ScalarsSchema);
  const { typeName } = proto3.ScalarsSchema;
  for (const wrong of [{ string: "a" }, create(proto3.ListsSchema), undefined, null, "a"]) {
    const told = `A message must be a ${typeName} that create() has made, not`;
    const encode = () => encoder.encode(wrong as never, new EncodeBuffer());
    assertThrows(encode, TypeError, told);
  }
});
