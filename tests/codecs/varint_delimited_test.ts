import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ConnectionError, EncodeBuffer } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { assertSameBytes, pieces, randomBytes } from "../support/bytes.ts";
import { decodeAll, decodeOne, encodeAll, fromHex, joined, toHex } from "../support/codec.ts";

/** Lengths on both sides of each more byte, with their varints worked out by hand. */
const PREFIXES: [length: number, prefix: string][] = [
  [0, "00"],
  [1, "01"],
  [127, "7f"],
  [128, "80 01"],
  [300, "ac 02"],
  [16383, "ff 7f"],
  [16384, "80 80 01"],
  [2097151, "ff ff 7f"],
  [2097152, "80 80 80 01"],
];

for (const [length, prefix] of PREFIXES) {
  test(`a message of ${length} bytes is behind ${prefix}`, () => {
    const codec = lengthDelimited();
    const message = randomBytes(length);
    const bytes = encodeAll(codec, message);
    const framed = joined(fromHex(prefix), message);
    assertSameBytes(bytes, framed);
    assertSameBytes(decodeOne(codec, framed), message);
  });

  test(`a message of ${length} bytes says how much of it is missing`, () => {
    const { decoder } = lengthDelimited();
    const width = fromHex(prefix).length;
    // In the middle of others, to be told by the offset.
    const bytes = joined([1, 2, 3], fromHex(prefix), randomBytes(length));
    for (let there = 1; there < width; there++) {
      const result = decoder.decode(bytes.subarray(0, 3 + there), 3);
      assertEquals(result, { kind: "incomplete", bytesNeeded: there + 1 });
    }
    if (length === 0) return;
    for (const there of [0, length - 1]) {
      const result = decoder.decode(bytes.subarray(0, 3 + width + there), 3);
      assertEquals(result, { kind: "incomplete", bytesNeeded: width + length });
    }
  });
}

for (const size of [1, 2, 3, 127, 1000, 1_000_000]) {
  test(`messages survive arrival in pieces of ${size} bytes`, async () => {
    const codec = lengthDelimited();
    const messages = [0, 1, 127, 0, 128, 129, 16384, 0, 5].map((length, i) =>
      randomBytes(length, i + 1)
    );
    const received = await decodeAll(codec, pieces(encodeAll(codec, ...messages), size));
    assertEquals(received.error, undefined);
    assertEquals(received.messages.length, messages.length);
    for (const [i, message] of messages.entries()) {
      assertSameBytes(received.messages[i]!, message, `message ${i}`);
    }
  });
}

test("an inbound message does not change later", () => {
  const codec = lengthDelimited();
  const bytes = encodeAll(codec, randomBytes(10, 1), randomBytes(10, 2));
  const first = codec.decoder.decode(bytes, 0);
  const message = first.kind === "message" ? first.message : undefined;
  codec.decoder.decode(bytes, 11);
  assertEquals(message, randomBytes(10, 1));
});

test("a message may be changed once it has been encoded", () => {
  const codec = lengthDelimited();
  const message = randomBytes(10);
  const bytes = encodeAll(codec, message);
  message.fill(0);
  assertSameBytes(decodeOne(codec, bytes), randomBytes(10));
});

test("an overlong length is accepted", () => {
  assertEquals(decodeOne(lengthDelimited(), fromHex("82 80 80 00 aa bb")), fromHex("aa bb"));
  assertEquals(decodeOne(lengthDelimited(), fromHex("80 80 80 80 80 80 80 80 80 00")).length, 0);
});

test("a length of more than ten bytes is invalid, however its bytes come", async () => {
  const overlong = new Uint8Array(10).fill(0x80);
  for (const chunks of [[overlong], pieces(overlong, 1), [joined([2, 7, 7], overlong)]]) {
    const { messages, error } = await decodeAll(lengthDelimited(), chunks);
    assertEquals(messages.length, chunks[0]!.length > 10 ? 1 : 0);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "invalid-message");
    assertStringIncludes(error.message, "varint");
  }
});

test("what is over the limit is refused as soon as it is announced", async () => {
  const codec = lengthDelimited();
  const limit = 1000;
  const largest = randomBytes(limit - 2);
  const fits = await decodeAll(codec, [encodeAll(codec, largest)], limit);
  assertEquals([fits.messages.length, fits.error], [1, undefined]);

  const tooLong = [
    // One byte over, and the most that ten bytes can say.
    toHex(encodeAll(codec, randomBytes(limit - 1)).subarray(0, 2)),
    "ff ff ff ff 0f",
    "ff ff ff ff ff ff ff ff ff 01",
    "ff ff ff ff ff ff ff ff ff 7f",
  ];
  for (const prefix of tooLong) {
    for (const chunks of [[fromHex(prefix)], pieces(fromHex(prefix), 1)]) {
      const { messages, error } = await decodeAll(lengthDelimited(), chunks, limit);
      assertEquals(messages, []);
      assertInstanceOf(error, ConnectionError);
      assertEquals(error.code, "message-too-large");
      assertStringIncludes(error.message, String(limit));
    }
  }
});

test("what is no Uint8Array is refused, and nothing of it is encoded", () => {
  const wrong: [message: unknown, kind: string][] = [
    ["abc", "String"],
    [new ArrayBuffer(3), "ArrayBuffer"],
    [new Uint16Array(3), "Uint16Array"],
    [new DataView(new ArrayBuffer(3)), "DataView"],
    [[1, 2, 3], "Array"],
    [{ length: 3 }, "Object"],
    [undefined, "Undefined"],
    [null, "Null"],
  ];
  for (const prefix of ["varint", "u32be"] as const) {
    const { encoder } = lengthDelimited({ prefix });
    for (const [message, kind] of wrong) {
      const told = `A message must be a Uint8Array, not of type ${kind}`;
      const encode = () => encoder.encode(message as never, new EncodeBuffer());
      assertThrows(encode, TypeError, told);
    }
  }
});

test("options that are no object are refused: they would count as none", () => {
  const told = 'options must be an object of options, not "u32le"';
  assertThrows(() => lengthDelimited("u32le" as never), TypeError, told);
});
