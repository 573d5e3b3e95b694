// Bytes that `rmp_serde` 1.3 writes for these values, both ways.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import {
  array,
  bool,
  bytes,
  f32,
  f64,
  i16,
  i32,
  i64,
  i8,
  map,
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u16,
  u32,
  u64,
  u8,
  unit,
  variants,
} from "@protosocket/protosocket/messagepack";
import { assertSameBytes } from "../../support/bytes.ts";
import { decodeOne, encodeAll, fromHex, joined, toHex } from "../../support/codec.ts";

/** A body behind its length. */
function framed(body: Uint8Array): Uint8Array {
  const { length } = body;
  return joined([0xce, length >>> 24, length >>> 16, length >>> 8, length], body);
}

/** Registers a value whose bytes are known. */
function vector<T>(name: string, schema: Schema<T>, value: T, hex: string): void {
  test(`MessagePack: ${name}`, () => {
    const codec = messagePack(schema, schema);
    const frame = framed(fromHex(hex));
    assertEquals(toHex(encodeAll(codec, value)), toHex(frame));
    assertEquals(decodeOne(codec, frame), value);
  });
}

const U64: [number | bigint, string][] = [
  [0, "00"],
  [127, "7f"],
  [128, "cc 80"],
  [255, "cc ff"],
  [256, "cd 01 00"],
  [65_535, "cd ff ff"],
  [65_536, "ce 00 01 00 00"],
  [4_294_967_295, "ce ff ff ff ff"],
  [4_294_967_296, "cf 00 00 00 01 00 00 00 00"],
  [2 ** 53 - 1, "cf 00 1f ff ff ff ff ff ff"],
  [2n ** 53n, "cf 00 20 00 00 00 00 00 00"],
  [2n ** 63n, "cf 80 00 00 00 00 00 00 00"],
  [2n ** 64n - 1n, "cf ff ff ff ff ff ff ff ff"],
];
for (const [value, hex] of U64) vector(`u64 ${value}`, u64, value, hex);

const I64: [number | bigint, string][] = [
  [0, "00"],
  [127, "7f"],
  [128, "cc 80"],
  [-1, "ff"],
  [-32, "e0"],
  [-33, "d0 df"],
  [-128, "d0 80"],
  [-129, "d1 ff 7f"],
  [-32_768, "d1 80 00"],
  [-32_769, "d2 ff ff 7f ff"],
  [-2_147_483_648, "d2 80 00 00 00"],
  [-2_147_483_649, "d3 ff ff ff ff 7f ff ff ff"],
  [-(2 ** 53) + 1, "d3 ff e0 00 00 00 00 00 01"],
  [-(2n ** 53n) - 1n, "d3 ff df ff ff ff ff ff ff"],
  [-(2n ** 63n), "d3 80 00 00 00 00 00 00 00"],
  [2n ** 63n - 1n, "cf 7f ff ff ff ff ff ff ff"],
];
for (const [value, hex] of I64) vector(`i64 ${value}`, i64, value, hex);

for (const [schema, table] of [[u64, U64], [i64, I64]] as const) {
  test(`MessagePack: ${schema.name} is the same from a bigint`, () => {
    for (const [value, hex] of table) {
      const bytes = encodeAll(messagePack(schema, schema), BigInt(value));
      assertEquals(toHex(bytes.subarray(5)), hex);
    }
  });
}

vector("f32", f32, 1.5, "ca 3f c0 00 00");
vector("f64", f64, 0.1, "cb 3f b9 99 99 99 99 99 9a");
vector("f64 without a fraction", f64, 1, "cb 3f f0 00 00 00 00 00 00");

/** What stands before strings, bytes and arrays of so many bytes or values. */
const HEADERS: [length: number, string: string, bytes: string, array: string][] = [
  [0, "a0", "c4 00", "90"],
  [15, "af", "c4 0f", "9f"],
  [16, "b0", "c4 10", "dc 00 10"],
  [31, "bf", "c4 1f", "dc 00 1f"],
  [32, "d9 20", "c4 20", "dc 00 20"],
  [255, "d9 ff", "c4 ff", "dc 00 ff"],
  [256, "da 01 00", "c5 01 00", "dc 01 00"],
  [65_535, "da ff ff", "c5 ff ff", "dc ff ff"],
  [65_536, "db 00 01 00 00", "c6 00 01 00 00", "dd 00 01 00 00"],
];

for (const [length, ofString, ofBytes, ofArray] of HEADERS) {
  test(`MessagePack: lengths of ${length}`, () => {
    const strings = messagePack(string, string);
    const text = "x".repeat(length);
    const textBytes = new Uint8Array(length).fill(120);
    const stringFrame = framed(joined(fromHex(ofString), textBytes));
    assertSameBytes(encodeAll(strings, text), stringFrame);
    assertEquals(decodeOne(strings, stringFrame), text);

    const blobs = messagePack(bytes, bytes);
    const blobFrame = framed(joined(fromHex(ofBytes), textBytes));
    assertSameBytes(encodeAll(blobs, textBytes), blobFrame);
    assertSameBytes(decodeOne(blobs, blobFrame), textBytes);

    const arrays = messagePack(array(u8), array(u8));
    const arrayFrame = framed(joined(fromHex(ofArray), textBytes));
    assertSameBytes(encodeAll(arrays, [...textBytes]), arrayFrame);
    assertSameBytes(Uint8Array.from(decodeOne(arrays, arrayFrame)), textBytes);
  });
}

const numbered = map(u32, bool, { maxNumericKeys: 65_536 });
const MAPS: [size: number, header: string][] = [
  [0, "80"],
  [15, "8f"],
  [16, "de 00 10"],
  [65_535, "de ff ff"],
  [65_536, "df 00 01 00 00"],
];
for (const [size, header] of MAPS) {
  test(`MessagePack: a map of ${size}`, () => {
    const codec = messagePack(numbered, numbered);
    const value = new Map(Array.from({ length: size }, (_, i) => [i, i % 2 === 0]));
    const frame = encodeAll(codec, value);
    assertEquals(toHex(frame.subarray(5, 5 + fromHex(header).length)), header);
    const read = decodeOne(codec, frame);
    assertInstanceOf(read, Map);
    assertEquals([...read].flat().join(), [...value].flat().join());
  });
}

/** Characters of one to four bytes, short and long, and lengths whose header grows with them. */
for (const text of ["ß", "Grüße, 世界 🌍", "é".repeat(16), "é".repeat(128), "世".repeat(30_000)]) {
  test(`MessagePack: ${text.length} characters that are not all ASCII`, () => {
    const codec = messagePack(array(string), array(string));
    const utf8 = new TextEncoder().encode(text);
    const { length } = utf8;
    const header = length < 32
      ? [0xa0 | length]
      : length < 256
      ? [0xd9, length]
      : length < 65_536
      ? [0xda, length >> 8, length & 255]
      : [0xdb, 0, length >> 16, length >> 8 & 255, length & 255];
    const frame = framed(joined([0x92], header, utf8, [0xa1, 0x78]));
    assertSameBytes(encodeAll(codec, [text, "x"]), frame);
    assertEquals(decodeOne(codec, frame), [text, "x"]);
  });
}

const echoRequest = struct("EchoRequest", { message: string, nanotime: u64 });
const request = struct("Request", {
  requestId: u64,
  code: u32,
  body: option(echoRequest),
  responseBehavior: variants("ResponseBehavior", { Unary: unit, Stream: unit }),
});
const response = struct("Response", {
  requestId: u64,
  code: u32,
  kind: option(variants("EchoResponseKind", {
    Echo: echoRequest,
    Stream: struct("EchoStream", { message: string, nanotime: u64, sequence: u64 }),
  })),
});

vector(
  "a request",
  request,
  {
    requestId: 1,
    code: 0,
    body: { message: "hello", nanotime: 2n ** 64n - 1n },
    responseBehavior: "Unary",
  },
  "94 01 00 92 a5 68656c6c6f cf ffffffffffffffff a5 556e617279",
);
vector(
  "a request with an id beyond 2^53, and no ASCII",
  request,
  {
    requestId: 2n ** 53n,
    code: 0,
    body: { message: "Grüße, 世界 🌍", nanotime: 2 ** 53 - 1 },
    responseBehavior: "Stream",
  },
  "94 cf 0020000000000000 00 92 b4 4772c3bcc39f652c20e4b896e7958c20f09f8c8d cf 001fffffffffffff a6 53747265616d",
);
vector(
  "None",
  request,
  { requestId: 300, code: 1, body: undefined, responseBehavior: "Unary" },
  "94 cd012c 01 c0 a5 556e617279",
);
vector(
  "a variant with a value",
  response,
  { requestId: 7, code: 0, kind: { case: "Echo", value: { message: "", nanotime: 70_000 } } },
  "93 07 00 81 a4 4563686f 92 a0 ce 00011170",
);
vector(
  "another variant with a value",
  response,
  {
    requestId: 7,
    code: 0,
    kind: { case: "Stream", value: { message: "x", nanotime: 128, sequence: 0 } },
  },
  "93 07 00 81 a6 53747265616d 93 a1 78 cc80 00",
);

const shape = variants("Shape", {
  Empty: unit,
  Circle: f64,
  Box: struct("Box", { w: u32, h: u32 }),
  Line: struct("Line", { from: i8, to: i8 }),
});
const everything = struct("All", {
  a: bool,
  b: u8,
  c: u16,
  d: u32,
  e: u64,
  f: i8,
  g: i16,
  h: i32,
  i: i64,
  j: f32,
  k: f64,
  l: string,
  m: bytes,
  n: array(u8),
  o: map(string, u64),
  p: option(u8),
  q: array(shape),
  r: option(string),
});
vector(
  "a field of each type",
  everything,
  {
    a: true,
    b: 200,
    c: 60_000,
    d: 4_000_000_000,
    e: 2n ** 64n - 1n,
    f: -100,
    g: -30_000,
    h: -2_000_000_000,
    i: -(2n ** 63n),
    j: 1.5,
    k: 0.1,
    l: "ß",
    m: new Uint8Array([1, 2, 255]),
    n: [1, 2, 255],
    o: new Map([["__proto__", 9], ["b", 300]]),
    p: undefined,
    q: [
      "Empty",
      { case: "Circle", value: 2.5 },
      { case: "Box", value: { w: 1, h: 2 } },
      { case: "Line", value: { from: -1, to: 1 } },
    ],
    r: "s",
  },
  "dc0012 c3 ccc8 cdea60 ceee6b2800 cfffffffffffffffff d09c d18ad0 d288ca6c00 d38000000000000000" +
    "ca3fc00000 cb3fb999999999999a a2c39f c4030102ff 930102ccff 82a95f5f70726f746f5f5f09a162cd012c" +
    "c0 94a5456d70747981a6436972636c65cb400400000000000081a3426f7892010281a44c696e6592ff01 a173",
);

/** Forms that others write; `rmp_serde` reads them too. */
const LONGER: [name: string, schema: Schema<unknown>, hex: string, value: unknown][] = [
  ["a u64 of eight bytes", u64, "cf 00 00 00 00 00 00 00 01", 1],
  ["a u8 in a signed form", u8, "d0 01", 1],
  ["a u32 of two bytes", u32, "cd 00 05", 5],
  ["an i8 of eight bytes", i8, "d3 ff ff ff ff ff ff ff fe", -2],
  ["an i16 of two bytes", i16, "d1 ff fe", -2],
  ["an i32 of four bytes", i32, "d2 ff ff ff fe", -2],
  ["an f64 of four bytes", f64, "ca 3f c0 00 00", 1.5],
  ["an f64 in a whole number's form", f64, "05", 5],
  ["an f32 of eight bytes", f32, "cb 3f f8 00 00 00 00 00 00", 1.5],
  ["a string with a long length", string, "db 00 00 00 01 78", "x"],
  ["bytes with a long length", array(bytes), "91 c6 00 00 00 01 78", [new Uint8Array([120])]],
  ["an array with a long length", array(u8), "dd 00 00 00 01 05", [5]],
  ["a struct with a long length", struct("One", { a: u8 }), "dc 00 01 05", { a: 5 }],
  ["a map with a long length", map(u8, u8), "df 00 00 00 01 05 06", new Map([[5, 6]])],
];
for (const [name, schema, hex, value] of LONGER) {
  test(`MessagePack: ${name} is read`, () => {
    assertEquals(decodeOne(messagePack(schema, schema), framed(fromHex(hex))), value);
  });
}
