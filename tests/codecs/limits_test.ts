// What a message may cost its reader: memory, time, and lines in a log.
import { create, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type Codec, EncodeBuffer } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import {
  array,
  bytes,
  entries,
  i64,
  map,
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u32,
  u64,
  u8,
  unit,
  variants,
} from "@protosocket/protosocket/messagepack";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { KeyedMaps } from "../support/proto/gen/maps.ts";
import { KeyedMapsSchema } from "../support/proto/gen/maps_pb.ts";
import { decodeOne, encodeAll, fromHex, joined, takeAll } from "../support/codec.ts";

/** What a decoder makes of bytes, and the reason if they are not a message. */
function reasonFor(codec: Codec<unknown, never>, frame: Uint8Array): string {
  const result = codec.decoder.decode(frame, 0);
  if (result.kind !== "invalid") throw new Error(`It is ${result.kind}`);
  return result.reason;
}

function packed(body: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(5);
  prefix[0] = 0xce;
  new DataView(prefix.buffer).setUint32(1, body.length);
  return joined(prefix, body);
}

function delimitedBody(body: Uint8Array): Uint8Array {
  const out = new EncodeBuffer();
  const type = { encode: (body: Uint8Array) => ({ finish: () => body }) };
  protobuf({ decode: (body) => body }, type).encoder.encode(body, out);
  return takeAll(out);
}

function repeated(unit: number[], times: number): Uint8Array {
  const all = new Uint8Array(unit.length * times);
  for (let i = 0; i < all.length; i++) all[i] = unit[i % unit.length]!;
  return all;
}

const MANY = 300_000;
const TOO_MANY = "it has more than 262144 objects (maxObjects)";

/** An array of so many values of one form. */
function arrayOf(value: number[], count = MANY): Uint8Array {
  const header = [0xdd, count >>> 24, count >>> 16 & 255, count >>> 8 & 255, count & 255];
  return packed(joined(header, repeated(value, count)));
}

const pair = struct("Pair", { a: u8, b: option(u8) });
const kind = variants("Kind", { None: unit, One: u8 });
const EXPENSIVE: [what: string, schema: Schema<unknown>, value: number[]][] = [
  ["maps", array(map(string, u8)), [0x80]],
  ["pairs of a map", array(entries(u8, u8)), [0x81, 1, 1]],
  ["arrays", array(array(u8)), [0x90]],
  ["structs", array(pair), [0x92, 1, 0xc0]],
  ["variants with a value", array(kind), [0x81, 0xa3, 0x4f, 0x6e, 0x65, 1]],
  ["views of bytes", array(bytes), [0xc4, 0]],
];
for (const [what, schema, value] of EXPENSIVE) {
  test(`MessagePack: a message of many ${what} is refused`, () => {
    assertStringIncludes(reasonFor(messagePack(schema, schema), arrayOf(value)), TOO_MANY);
    const more = messagePack(schema, schema, { maxObjects: 1_000_000 });
    assertEquals((decodeOne(more, arrayOf(value)) as unknown[]).length, MANY);
  });
}

test("MessagePack: numbers and texts do not count, and each message has the same budget", () => {
  const schema = struct("S", { numbers: array(u8), parts: array(pair) });
  const codec = messagePack(schema, schema, { maxObjects: 4 });
  const numbers = new Array(1000).fill(1);
  const parts = [{ a: 1, b: undefined }];
  for (let i = 0; i < 3; i++) {
    const frame = encodeAll(codec, { numbers, parts });
    assertEquals(decodeOne(codec, frame), { numbers, parts });
  }
  const frame = encodeAll(codec, { numbers, parts: [...parts, ...parts] });
  assertStringIncludes(reasonFor(codec, frame), "S.parts[1]: it has more than 4 objects");
});

test("codecs refuse a bad maxObjects", () => {
  for (const maxObjects of [0, -1, 1.5, NaN, 2 ** 31, "9" as never]) {
    for (
      const make of [
        () => messagePack(u8, u8, { maxObjects }),
        () => json({ maxObjects }),
        () => protobufEs(KeyedMapsSchema, KeyedMapsSchema, { maxObjects }),
        () => tsProto(KeyedMaps, KeyedMaps, { maxObjects }),
      ]
    ) assertThrows(make, RangeError, "maxObjects must be an integer from 1 to 2147483647");
  }
});

const NUMERIC: [Schema<number | bigint>, (i: number) => number | bigint][] = [
  [u32, (i) => i],
  [i64, (i) => -i],
  [u64, (i) => 2n ** 60n + BigInt(i)],
];
for (const [keys, keyOf] of NUMERIC) {
  test(`MessagePack: a map may have 1024 keys of ${keys.name}, or as many as an option says`, () => {
    const full = new Map(Array.from({ length: 1024 }, (_, i) => [keyOf(i), i]));
    const codec = messagePack(map(keys, u32), map(keys, u32));
    assertEquals(decodeOne(codec, encodeAll(codec, full)), full);
    full.set(keyOf(1024), 1024);
    const frame = encodeAll(codec, full);
    assertStringIncludes(
      reasonFor(codec, frame),
      "[entry 1024]: a map has more than 1024 numbers as keys (maxNumericKeys)",
    );
    const trusting = map(keys, u32, { maxNumericKeys: 2000 });
    assertEquals(decodeOne(messagePack(trusting, trusting), frame), full);
    const pairs = entries(keys, u32);
    assertEquals(decodeOne(messagePack(pairs, pairs), frame), [...full]);
    assertEquals(encodeAll(messagePack(pairs, pairs), [...full]), frame);
  });
}

test("MessagePack: a map has any number of texts as keys", () => {
  const texts = new Map(Array.from({ length: 5000 }, (_, i) => [`key ${i}`, i]));
  const codec = messagePack(map(string, u32), map(string, u32));
  assertEquals(decodeOne(codec, encodeAll(codec, texts)), texts);
  assertThrows(() => map(u8, u8, { maxNumericKeys: -1 }), RangeError, "maxNumericKeys");
});

type Nested = Nested[];
const nested: Schema<Nested> = {
  name: "Nested",
  write: (value, out) => array(nested).write(value, out),
  read: (input) => array(nested).read(input),
};
interface Chain {
  next?: Chain | undefined;
}
const chain: Schema<Chain> = {
  name: "Chain",
  write: (value, out) => struct("Chain", { next: option(chain) }).write(value, out),
  read: (input) => struct("Chain", { next: option(chain) }).read(input),
};
const DEEP: [what: string, schema: Schema<unknown>, level: number[], last: number][] = [
  ["arrays", nested, [0x91], 0x90],
  ["structs", chain, [0x91], 0xc0],
];
for (const [what, schema, level, last] of DEEP) {
  test(`MessagePack: ${what} may be 100 levels deep, and the reason is short`, () => {
    const codec = messagePack(schema, schema);
    const deep = (levels: number) => packed(joined(repeated(level, levels), [last]));
    assertEquals(codec.decoder.decode(deep(99), 0).kind, "message");
    for (const levels of [101, 32_768]) {
      const reason = reasonFor(codec, deep(levels));
      assert(reason.endsWith("it is more than 100 levels deep"), reason);
      assert(reason.length < 400, `${reason.length} characters`);
    }
  });
}

test("reasons are one line, whatever is thrown", () => {
  const thrown: unknown[] = [
    new Error("two\nlines\u2028\u001b[31m"),
    new Error("x".repeat(100_000)),
    "y".repeat(100_000),
    { toString: () => "odd\r\n" },
    {
      toString() {
        throw new Error("odd");
      },
    },
    Object.create(null),
    undefined,
  ];
  for (const value of thrown) {
    const fail = () => {
      throw value;
    };
    const schema: Schema<never> = { name: "S", write: fail, read: fail };
    const frames: [Codec<unknown, never>, Uint8Array][] = [
      [messagePack(schema, schema), packed(Uint8Array.of(0))],
      [messagePack(array(schema), schema), packed(Uint8Array.of(0x91, 0))],
      [protobuf({ decode: fail }, { encode: fail }), Uint8Array.of(1, 0)],
    ];
    for (const [codec, frame] of frames) {
      const reason = reasonFor(codec, frame);
      assert(/^\P{Cc}+$/u.test(reason) && !reason.includes("\u2028"), JSON.stringify(reason));
      assert(reason.length < 400, `${reason.length} characters`);
    }
  }
  const line = new TextEncoder().encode(`{"a":${"b".repeat(50_000)}}\n`);
  assert(reasonFor(json(), line).length < 400);
});

test("json: many arrays, objects or properties are refused, brackets in strings are not", () => {
  const encode = (text: string) => new TextEncoder().encode(`${text}\n`);
  const lists = ["[]", "{}", "[1,[2]]"].map((item) => `[${`${item},`.repeat(MANY)}0]`);
  const properties = `{${Array.from({ length: MANY }, (_, i) => `"${i}":0`)}}`;
  for (const text of [...lists, properties]) {
    assertStringIncludes(reasonFor(json(), encode(text)), TOO_MANY);
    assertEquals(codecOutcome(json({ maxObjects: 2_000_000 }), encode(text)), "message");
  }
  for (const text of ['"[{:', '"\\"[{:', '"\\\\']) {
    const value = `[${`${text}",`.repeat(MANY)}0]`;
    assertEquals((decodeOne(json<unknown[]>(), encode(value))).length, MANY + 1);
  }
});

function codecOutcome(codec: Codec<unknown, never>, frame: Uint8Array): string {
  return codec.decoder.decode(frame, 0).kind;
}

const LEAVES: [what: string, body: Uint8Array][] = [
  ["messages", repeated([0x6a, 0], MANY)],
  ["views of bytes", repeated([0x72, 0], MANY)],
  ["entries of a map", repeated([0x62, 0], MANY)],
  ["unknown fields", repeated([0x78, 1], MANY)],
  // As an unknown field in each leaf.
  ["unknown fields of messages", repeated([0x6a, 2, 0x18, 1], MANY)],
];
for (const [what, body] of LEAVES) {
  const frame = delimitedBody(body);
  test(`protobuf-es: many ${what} are refused`, () => {
    assertStringIncludes(reasonFor(protobufEs(KeyedMapsSchema, KeyedMapsSchema), frame), TOO_MANY);
    const more = protobufEs(KeyedMapsSchema, KeyedMapsSchema, { maxObjects: 1_000_000 });
    assertEquals(codecOutcome(more, frame), "message");
  });

  test(`protobuf-es: many ${what} are refused, also where the library would read them`, () => {
    // A field of the wrong type, which is for the library.
    const odd = delimitedBody(joined([0x60, 0], body));
    assertStringIncludes(reasonFor(protobufEs(KeyedMapsSchema, KeyedMapsSchema), odd), TOO_MANY);
  });

  test(`ts-proto: many ${what} are refused`, () => {
    assertStringIncludes(reasonFor(tsProto(KeyedMaps, KeyedMaps), frame), TOO_MANY);
    const more = tsProto(KeyedMaps, KeyedMaps, { maxObjects: 1_000_000 });
    assertEquals(codecOutcome(more, frame), "message");
  });
}

test("protobuf-es: many values of a Struct are refused", () => {
  const list = Array.from({ length: 1000 }, () => []);
  const message = create(StructSchema, { fields: {} });
  message.fields["a"] = {
    $typeName: "google.protobuf.Value",
    kind: {
      case: "listValue",
      value: {
        $typeName: "google.protobuf.ListValue",
        values: list.map(() => ({
          $typeName: "google.protobuf.Value",
          kind: { case: "nullValue", value: 0 },
        })),
      },
    },
  };
  const frame = delimitedBody(toBinary(StructSchema, message));
  const codec = protobufEs(StructSchema, StructSchema, { maxObjects: 1000 });
  assertStringIncludes(reasonFor(codec, frame), "it has more than 1000 objects");
  assertEquals(decodeOne(protobufEs(StructSchema, StructSchema), frame), message);
});

test("ts-proto: maps with every type of key, byte for byte as the library writes them", () => {
  const value: KeyedMaps = {
    int32: { [-1]: "a", 7: "b", [-(2 ** 31)]: "c" },
    uint32: { 0: "a", 4294967295: "b" },
    sint32: { [-1]: "a", 2147483647: "b" },
    fixed32: { 1: "a", 4294967295: "b" },
    sfixed32: { [-5]: "a", 5: "b" },
    int64: new Map([[-1n, "a"]]),
    uint64: new Map([[2n ** 64n - 1n, "a"]]),
    sint64: new Map([[-(2n ** 63n), "a"]]),
    fixed64: new Map([[1n, "a"]]),
    sfixed64: new Map([[-1n, "a"]]),
    bool: new Map([[true, "a"], [false, "b"]]),
    leaf: { x: { id: 1, child: undefined } },
    leaves: [],
    bytes: [],
  };
  const codec = tsProto(KeyedMaps, KeyedMaps);
  const frame = encodeAll(codec, value);
  const body = KeyedMaps.encode(value).finish();
  assertEquals(frame, delimitedBody(body));
  assertEquals(decodeOne(codec, frame), KeyedMaps.decode(body));
  const es = protobufEs(KeyedMapsSchema, KeyedMapsSchema);
  assertEquals(decodeOne(es, frame).int32, { [-1]: "a", 7: "b", [-(2 ** 31)]: "c" });
});

test("ts-proto: a key that is not a number of its type is not written", () => {
  const codec = tsProto(KeyedMaps, KeyedMaps);
  const empty = decodeOne(codec, Uint8Array.of(0));
  for (const field of ["int32", "uint32", "sint32", "fixed32", "sfixed32"] as const) {
    for (const key of ["x", "1.5", "4294967296", "-2147483649"]) {
      assertThrows(() => encodeAll(codec, { ...empty, [field]: { [key]: "a" } }), TypeError, key);
    }
  }
});

test("protobuf: map entries without key or value, as prost writes them, are read", () => {
  // uint32 {0: ""}, leaf {"": {}, "k": {}}: without and with the defaults.
  const bare = fromHex("09 12 00 62 00 62 03 0a 01 6b");
  const full = fromHex("13 12 04 08 00 12 00 62 04 0a 00 12 00 62 05 0a 01 6b 12 00");
  const es = protobufEs(KeyedMapsSchema, KeyedMapsSchema);
  const leaf = { $typeName: "protosocket.tests.Leaf" as const, id: 0 };
  for (const frame of [bare, full]) {
    const { uint32, leaf: leaves } = decodeOne(es, frame);
    assertEquals([uint32, leaves], [{ 0: "" }, { "": leaf, k: leaf }]);
    const generated = decodeOne(tsProto(KeyedMaps, KeyedMaps), frame);
    assertEquals(generated.uint32, { 0: "" });
    // Code by ts-proto drops an entry whose message is left out, as the guide says.
    assertEquals(Object.keys(generated.leaf), frame === full ? ["", "k"] : []);
  }
});
