import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ConnectionError } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { assertSameBytes, pieces, randomBytes } from "../support/bytes.ts";
import { decodeAll, decodeOne, encodeAll, fromHex, joined } from "../support/codec.ts";

type Prefix = "u32be" | "u32le";

/** Lengths that fill one, two and three bytes, and their prefixes. */
const PREFIXES: [length: number, prefixes: Record<Prefix, string>][] = [
  [0, { u32be: "00 00 00 00", u32le: "00 00 00 00" }],
  [1, { u32be: "00 00 00 01", u32le: "01 00 00 00" }],
  [200, { u32be: "00 00 00 c8", u32le: "c8 00 00 00" }],
  [0x1234, { u32be: "00 00 12 34", u32le: "34 12 00 00" }],
  [0x12345, { u32be: "00 01 23 45", u32le: "45 23 01 00" }],
];

for (const prefix of ["u32be", "u32le"] as const) {
  for (const [length, prefixes] of PREFIXES) {
    test(`${prefix}: a message of ${length} bytes is behind ${prefixes[prefix]}`, () => {
      const codec = lengthDelimited({ prefix });
      const message = randomBytes(length);
      const framed = joined(fromHex(prefixes[prefix]), message);
      assertSameBytes(encodeAll(codec, message), framed);
      assertSameBytes(decodeOne(codec, framed), message);
    });
  }

  test(`${prefix}: a message says how much of it is missing`, () => {
    const { decoder, encoder } = lengthDelimited({ prefix });
    // In the middle of others, to be told by the offset.
    const bytes = joined([9, 9], encodeAll({ encoder, decoder }, randomBytes(300)));
    for (const there of [1, 2, 3]) {
      const result = decoder.decode(bytes.subarray(0, 2 + there), 2);
      assertEquals(result, { kind: "incomplete", bytesNeeded: 4 });
    }
    for (const there of [4, 5, 303]) {
      const result = decoder.decode(bytes.subarray(0, 2 + there), 2);
      assertEquals(result, { kind: "incomplete", bytesNeeded: 304 });
    }
  });

  for (const size of [1, 2, 3, 5, 1000]) {
    test(`${prefix}: messages survive arrival in pieces of ${size} bytes`, async () => {
      const codec = lengthDelimited({ prefix });
      const messages = [0, 1, 255, 0, 256, 5000].map((length, i) => randomBytes(length, i + 1));
      const received = await decodeAll(codec, pieces(encodeAll(codec, ...messages), size));
      assertEquals(received, { messages });
    });
  }

  test(`${prefix}: a message over the limit is refused as soon as it is announced`, async () => {
    const codec = lengthDelimited({ prefix });
    const fits = await decodeAll(codec, [encodeAll(codec, randomBytes(996))], 1000);
    assertEquals([fits.messages.length, fits.error], [1, undefined]);
    const tooLong = encodeAll(codec, randomBytes(997)).slice(0, 4);
    for (const announced of [tooLong, fromHex("ff ff ff ff")]) {
      for (const chunks of [[announced], pieces(announced, 1)]) {
        const { messages, error } = await decodeAll(lengthDelimited({ prefix }), chunks, 1000);
        assertEquals(messages, []);
        assertInstanceOf(error, ConnectionError);
        assertEquals(error.code, "message-too-large");
        assertStringIncludes(error.message, "1000");
      }
    }
  });
}

test("an unknown prefix is refused", () => {
  const error = assertThrows(() => lengthDelimited({ prefix: "u16" as "u32be" }), RangeError);
  assertStringIncludes(error.message, "u16");
});
