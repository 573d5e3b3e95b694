// The forms that serde's attributes make, with bytes that `rmp_serde` 1.3 writes, and reasons for
// wrong ones. `npm run interop` compares random values with Rust.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  adjacentlyTagged,
  any,
  type AnyValue,
  array,
  byteArray,
  bytes,
  char,
  defaulted,
  extension,
  fixedArray,
  i128,
  internallyTagged,
  lazy,
  messagePack,
  namedStruct,
  nil,
  option,
  optional,
  type Schema,
  string,
  struct,
  u128,
  u32,
  u8,
  unfit,
  unit,
  untagged,
  variants,
  within,
  writeArray,
  writeInteger,
  writeMap,
  writeString,
} from "@protosocket/protosocket/messagepack";
import { fieldsReader } from "../../../src/codecs/messagepack/_struct_reader.ts";
import { MessagePackReader } from "../../../src/codecs/messagepack/reader.ts";
import { decodeOne, encodeAll, fromHex, joined, toHex } from "../../support/codec.ts";

function framed(hex: string): Uint8Array {
  const body = fromHex(hex);
  return joined([0xce, 0, 0, body.length >> 8, body.length & 255], body);
}

const tail = struct("Tail", { a: u8, b: optional(string), c: optional(u32) });
const more = struct("More", { a: u8 }, { allowMore: true });
const defaults = struct("Defaults", {
  a: u8,
  b: defaulted(u8, () => 3),
  c: defaulted(array(u8), () => [], ({ length }) => length === 0),
});
const point = struct("Point", { x: u8, y: string });
const internal = internallyTagged("Kind", { U: unit, N: point }, { tag: "t" });
const pointNamed = namedStruct("Point", { x: u8, longName: option(string) }, {
  names: { longName: "long_name" },
});
const internalNamed = internallyTagged("Kind", { U: unit, N: pointNamed }, {
  tag: "t",
  named: true,
});
const internalOther = internallyTagged("Kind", { A: unit, Other: unit }, {
  tag: "t",
  other: "Other",
});
const adjacent = adjacentlyTagged("Kind", { U: unit, N: u8, Other: unit }, {
  tag: "t",
  content: "c",
  other: "Other",
});
const adjacentNamed = adjacentlyTagged("Kind", { U: unit, N: u8 }, {
  tag: "t",
  content: "c",
  named: true,
});
const either = untagged("Either", { None: unit, Number: u8, Text: string, Point: point });
const result = variants("Result", { Ok: nil, Err: string });
const open = variants("Open", { A: unit, Other: unit, N: u8 }, { other: "Other" });

/** Read and written alike. */
const BOTH: [schema: Schema<unknown>, hex: string, value: unknown][] = [
  [tail, "91 cc d0", { a: 208, b: undefined, c: undefined }],
  [tail, "92 05 a1 78", { a: 5, b: "x", c: undefined }],
  [tail, "93 05 c0 07", { a: 5, b: undefined, c: 7 }],
  [defaults, "92 01 02", { a: 1, b: 2, c: [] }],
  [defaults, "93 01 02 91 05", { a: 1, b: 2, c: [5] }],
  [more, "91 05", { a: 5 }],
  [internal, "91 a1 55", "U"],
  [internal, "93 a1 4e 01 a1 61", { case: "N", value: { x: 1, y: "a" } }],
  [internalNamed, "81 a1 74 a1 55", "U"],
  [internalNamed, "83 a1 74 a1 4e a1 78 01 a9 6c6f6e675f6e616d65 c0", {
    case: "N",
    value: { x: 1, longName: undefined },
  }],
  [internalOther, "91 a1 41", "A"],
  [adjacent, "92 a1 4e 01", { case: "N", value: 1 }],
  [adjacentNamed, "81 a1 74 a1 55", "U"],
  [adjacentNamed, "82 a1 74 a1 4e a1 63 01", { case: "N", value: 1 }],
  [either, "c0", "None"],
  [either, "05", { case: "Number", value: 5 }],
  [either, "a1 78", { case: "Text", value: "x" }],
  [either, "92 01 a0", { case: "Point", value: { x: 1, y: "" } }],
  [pointNamed, "82 a1 78 01 a9 6c6f6e675f6e616d65 a1 62", { x: 1, longName: "b" }],
  [result, "81 a2 4f6b c0", { case: "Ok", value: undefined }],
  [result, "81 a3 457272 a1 78", { case: "Err", value: "x" }],
  [open, "a1 41", "A"],
  [nil, "c0", undefined],
  [struct("Unit", {}), "90", {}],
  [char, "a4 f0 9f 8c 8d", "🌍"],
  [u128, "c4 10 00000000000000000000000000000100", 256n],
  [u128, "c4 10 ffffffffffffffffffffffffffffffff", 2n ** 128n - 1n],
  [i128, "c4 10 ffffffffffffffffffffffffffffffff", -1n],
  [i128, "c4 10 80000000000000000000000000000000", -(2n ** 127n)],
  [extension, "d4 ff 07", { type: -1, data: Uint8Array.of(7) }],
  [extension, "c7 03 7f 01 02 03", { type: 127, data: Uint8Array.of(1, 2, 3) }],
  [byteArray, "93 00 7f cc ff", Uint8Array.of(0, 127, 255)],
  [fixedArray(u8, 2), "92 01 02", [1, 2]],
  [any, "84 a1 61 c0 a1 62 92 c3 cb 3fe0000000000000 a1 63 c4 01 05 a1 64 80", {
    a: null,
    b: [true, 0.5],
    c: Uint8Array.of(5),
    d: {},
  }],
  [any, "cf ff ff ff ff ff ff ff ff", 2n ** 64n - 1n],
];
for (const [schema, hex, value] of BOTH) {
  test(`MessagePack, serde: ${schema.name} as ${hex}`, () => {
    const codec = messagePack(schema, schema);
    assertEquals(decodeOne(codec, framed(hex)), value);
    assertEquals(toHex(encodeAll(codec, value).subarray(5)), toHex(fromHex(hex)));
  });
}

/** Also read, but written otherwise. */
const READ: [schema: Schema<unknown>, hex: string, value: unknown][] = [
  [defaults, "91 01", { a: 1, b: 3, c: [] }],
  [more, "93 05 91 a1 78 81 01 c7 01 05 06", { a: 5 }],
  [pointNamed, "83 a1 7a 92 c0 d4 01 02 a9 6c6f6e675f6e616d65 a1 62 a1 78 01", {
    x: 1,
    longName: "b",
  }],
  [pointNamed, "81 a1 78 01", { x: 1, longName: undefined }],
  [internalNamed, "82 a1 78 01 a1 74 a1 4e", { case: "N", value: { x: 1, longName: undefined } }],
  [internalOther, "93 a1 5a 01 92 02 03", "Other"],
  [internalOther, "82 a1 78 01 a1 74 a1 5a", "Other"],
  [adjacent, "91 a1 55", "U"],
  [adjacent, "92 a1 5a 92 01 02", "Other"],
  [adjacentNamed, "82 a1 63 01 a1 74 a1 4e", { case: "N", value: 1 }],
  [open, "a3 4e 65 77", "Other"],
  [open, "81 a3 4e 65 77 c0", "Other"],
  [u128, "05", 5n],
  [any, "81 a9 5f5f70726f746f5f5f 01", JSON.parse('{"__proto__":1}')],
];
for (const [schema, hex, value] of READ) {
  test(`MessagePack, serde: ${schema.name} from ${hex}`, () => {
    const frame = joined(framed(hex), framed("07"));
    const result = messagePack(schema, schema).decoder.decode(frame, 0);
    assert(result.kind === "message", result.kind);
    assertEquals(result.message, value);
    assertEquals(result.bytesUsed, frame.length - 6);
  });
}

/** A struct with a field of each form, whose path has to be in the reason. */
const WRONG: [schema: Schema<unknown>, hex: string, why: string][] = [
  [tail, "90", "expected an array of 1 to 3 (Tail), got an array of 0"],
  [tail, "94 01 c0 c0 c0", "expected an array of 1 to 3 (Tail), got an array of 4"],
  [tail, "92 01 05", "V.f.b: expected a string, got 5"],
  [more, "90", "expected an array of at least 1 (More), got an array of 0"],
  [internal, "93 a1 4e c0 a0", "V.f.N.x: expected u8, got nil"],
  [internal, "92 a1 4e 01", "V.f.N: expected 2 fields (Point), got 1"],
  [internal, "92 a1 55 01", 'expected Kind ("U" or { "N": … }), got an array of 2'],
  [internal, "91 01", "V.f: expected the name of a variant, got 1"],
  [internal, "90", "got an array of 0"],
  [internalNamed, "81 a1 78 01", 'V.f: expected a map with "t" (the tag)'],
  [internalNamed, "82 a1 74 a1 4e a1 78 c0", "V.f.N.x: expected u8, got nil"],
  [internalNamed, "81 a1 74 a1 4e", "V.f.N.x: it is missing"],
  [adjacent, "92 a1 4e c0", "V.f.N: expected u8, got nil"],
  [adjacent, "91 a1 4e", "V.f.N: its value is missing"],
  [adjacent, "92 a1 55 01", "V.f.U: expected nil, got 1"],
  [adjacent, "93 a1 4e 01 01", "got an array of 3"],
  [adjacentNamed, "82 a1 74 a1 4e a1 63 c0", "V.f.N: expected u8, got nil"],
  [either, "c3", "V.f: expected a variant of Either, got true"],
  [pointNamed, "82 a1 78 01 a1 78 02", "V.f.x: it is there twice"],
  [pointNamed, "80", "V.f.x: it is missing"],
  [pointNamed, "81 01 01", "V.f: expected the name of a field, got 1"],
  [pointNamed, "91 01", "V.f: expected a map (Point), got an array of 1"],
  [result, "81 a2 4f6b 01", "V.f.Ok: expected nil, got 1"],
  [open, "81 a3 4e 65 77 01", 'got { "New": … }'],
  [char, "a2 61 61", "V.f: expected a char, got a string of 2"],
  [char, "a0", "V.f: expected a char, got a string of 0"],
  [u128, "c4 01 05", "V.f: expected u128 (16 bytes), got 1 bytes"],
  [u128, "ff", "V.f: expected u128, got -1"],
  [extension, "c0", "V.f: expected an extension, got nil"],
  [byteArray, "92 01 cd 01 00", "V.f[1]: expected u8, got 256"],
  [byteArray, "c4 01 05", "V.f: expected an array of u8, got bytes"],
  [fixedArray(u8, 2), "91 01", "V.f: expected an array of 2, got an array of 1"],
  [any, "92 01 81 01 01", "V.f[1][entry 0]: expected a string as its key, got 1"],
  [any, "81 a1 61 c1", 'V.f["a"]: expected a value, got 0xc1, which nothing begins with'],
  [nil, "00", "V.f: expected nil, got 0"],
];
for (const [form, hex, why] of WRONG) {
  test(`MessagePack, serde: ${hex} is invalid: ${why}`, () => {
    const schema = struct("V", { f: form });
    const result = messagePack(schema, schema).decoder.decode(framed(`91 ${hex}`), 0);
    assert(result.kind === "invalid", result.kind);
    assert(result.reason.includes(": V.f") && result.reason.endsWith(why), result.reason);
  });
}

test("MessagePack, serde: what does not fit is not written", () => {
  const deep: AnyValue[] = [];
  for (let i = 0, at = deep; i < 100; i++) at.push(at = [] as AnyValue[]);
  const wrong: [Schema<unknown>, unknown, string][] = [
    [char, "ab", "expected a char, got a string"],
    [char, "\ud83c", "expected a char"],
    [char, "", "expected a char"],
    [u128, 5, "expected u128 (a bigint), got 5"],
    [u128, 2n ** 128n, "expected u128"],
    [i128, -(2n ** 127n) - 1n, "expected i128"],
    [extension, { type: 128, data: new Uint8Array() }, "expected an extension"],
    [byteArray, [1], "expected a Uint8Array, got an array of 1"],
    [fixedArray(u8, 2), [1], "expected an array of 2, got an array of 1"],
    [any, { a: [undefined] }, 'a value["a"][0]: expected a value, got undefined'],
    [any, 2n ** 64n, "expected a value"],
    [any, deep, "100 levels"],
    [nil, null, "expected undefined, got null"],
    [internal, { case: "N", value: 1 }, "Kind.N: expected Point, got 1"],
    [internal, { case: "N", value: { x: 1, y: 1 } }, "Kind.N.y: expected a string, got 1"],
    [adjacent, { case: "N", value: "" }, "Kind.N: expected u8, got a string"],
    [either, { case: "Text", value: 5 }, "Either.Text: expected a string, got 5"],
    [pointNamed, { x: 1, longName: 1 }, "Point.longName: expected a string, got 1"],
  ];
  for (const [schema, value, why] of wrong) {
    const codec = messagePack(schema, schema);
    const error = assertThrows(() => encodeAll(codec, value), TypeError, "Cannot encode ");
    assert(error.message.includes(why), error.message);
  }
});

test("MessagePack, serde: schemas that cannot be are refused where they are made", () => {
  const bad = { N: u8 } as never;
  assertThrows(
    () => internallyTagged("K", bad, { tag: "t" }),
    TypeError,
    "N of K must be a struct",
  );
  assertThrows(() => variants("K", { N: u8 }, { other: "N" }), TypeError, "no variant N without");
  assertThrows(() => namedStruct("S", { constructor: u8 }), TypeError, "called constructor in S");
});

interface Tree {
  name: string;
  children: Tree[];
}
const tree: Schema<Tree> = struct("Tree", { name: string, children: array(lazy(() => tree)) });

test("MessagePack, serde: types that contain themselves", () => {
  const codec = messagePack(tree, tree);
  const leaf = { name: "leaf", children: [] };
  const value = { name: "root", children: [leaf, { name: "inner", children: [leaf] }] };
  assertEquals(decodeOne(codec, encodeAll(codec, value)), value);
});

test("MessagePack, serde: choices within choices do not take for ever", () => {
  const choice: Schema<unknown> = lazy(() => choices);
  const one = struct("One", { inner: choice, end: u8 });
  const choices = untagged("Choice", { A: one, B: one, C: one, Leaf: u8 });
  const codec = messagePack(choices, choices);
  // Each level fails at its end, after all that is within it has been tried.
  const body = joined(new Uint8Array(40).fill(0x92), [5], new Uint8Array(40).fill(0xc3));
  const result = codec.decoder.decode(joined([0xce, 0, 0, 0, body.length], body), 0);
  assert(result.kind === "invalid" && result.reason.length < 400);
});

test("MessagePack, serde: structs are read alike, whether code is made for them or not", () => {
  const schemas = [u8, option(string)];
  const compiled = fieldsReader(["a", "b"], schemas, Function);
  const interpreted = fieldsReader(["a", "b"], schemas, undefined);
  const input = new MessagePackReader(100);
  const open = (hex: string) => {
    const bytes = fromHex(hex);
    input.open(bytes, 0, bytes.length);
  };
  for (const read of [compiled, interpreted]) {
    open("05 a1 78");
    assertEquals(read(input), { a: 5, b: "x" });
    open("05 07");
    assertThrows(() => read(input), TypeError, ".b: expected a string, got 7");
  }
});

test("MessagePack: a form of one's own, from the public readers and writers", () => {
  /** A range, as `[from, to]` or `{ "at": n }`. */
  const range: Schema<[number, number]> = {
    name: "a range",
    write([from, to], out) {
      if (!(from <= to)) throw unfit("a range", `${from}`);
      if (from === to) {
        writeMap(1, out);
        writeString("at", out);
      } else {
        writeArray(2, out);
        writeInteger(from, out);
      }
      writeInteger(to, out);
    },
    read(input) {
      const end = (step: string) => {
        try {
          return u8.read(input);
        } catch (cause) {
          throw within(step, cause);
        }
      };
      const length = input.array();
      if (length === 2) return [end("[0]"), end("[1]")];
      if (length !== undefined || input.map() !== 1) throw input.unexpected("a range");
      if (input.string() !== "at") throw input.unexpected('"at"');
      const at = end(".at");
      return [at, at];
    },
  };
  const schema = struct("S", { range });
  const codec = messagePack(schema, schema);
  for (const [hex, value] of [["92 01 05", [1, 5]], ["81 a2 6174 07", [7, 7]]] as const) {
    assertEquals(decodeOne(codec, framed(`91 ${hex}`)), { range: value as [number, number] });
    assertEquals(
      toHex(encodeAll(codec, { range: [...value] as [number, number] })),
      toHex(framed(`91 ${hex}`)),
    );
  }
  const result = codec.decoder.decode(framed("91 92 01 c0"), 0);
  assert(result.kind === "invalid" && result.reason.endsWith("S.range[1]: expected u8, got nil"));
});

test("MessagePack: byte fields of extensions and bytes are views", () => {
  const schema = struct("S", { a: extension, b: bytes });
  const frame = framed("92 d4 01 07 c4 01 08");
  const { a, b } = decodeOne(messagePack(schema, schema), frame);
  assertEquals([a.data.buffer === frame.buffer, b.buffer === frame.buffer], [true, true]);
});
