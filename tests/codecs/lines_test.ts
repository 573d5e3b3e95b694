import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ConnectionError } from "@protosocket/protosocket";
import { lines } from "@protosocket/protosocket/lines";
import { assertSameBytes, pieces } from "../support/bytes.ts";
import { decodeAll, encodeAll, fromHex, joined } from "../support/codec.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function assertEndsWith(chunks: Uint8Array[], code: string, max?: number): Promise<string[]> {
  const { messages, error } = await decodeAll(lines(), chunks, max);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, code);
  return messages;
}

/** Lines on both sides of where text is written and read in another way. */
const LINES = [
  "",
  "hello",
  "a b\tc",
  "Grüße",
  "世界 🌍",
  "",
  "\u{feff}begins with a mark",
  ...[24, 25, 36, 37].map((length) => "x".repeat(length)),
  ...[23, 35].map((length) => `${"x".repeat(length)}ß`),
  // What a decoder puts for bytes that are no UTF-8 may also have been sent.
  ...["", "x".repeat(30)].map((around) => `${around}\u{fffd}${around}`),
  `${"é".repeat(1000)}🌍`,
];

test("lines: a line is written with a line feed after it", () => {
  for (const line of [...LINES, "x".repeat(100_000), "世".repeat(50_000)]) {
    assertSameBytes(encodeAll(lines(), line), bytesOf(`${line}\n`));
  }
});

for (const end of ["\n", "\r\n"]) {
  for (const size of [1, 2, 3, 7, 100, 10_000]) {
    const name = `lines: lines that end with ${JSON.stringify(end)}, in pieces of ${size} bytes`;
    test(name, async () => {
      const chunks = pieces(bytesOf(LINES.map((line) => line + end).join("")), size);
      assertEquals(await decodeAll(lines(), chunks), { messages: LINES });
    });
  }
}

test("lines: a cut anywhere gives the same lines", async () => {
  const text = bytesOf("one\r\n\r\n\ntwö\n🌍\r\r\n\r three\n");
  const expected = ["one", "", "", "twö", "🌍\r", "\r three"];
  for (let at = 0; at <= text.length; at++) {
    const received = await decodeAll(lines(), [text.slice(0, at), text.slice(at)]);
    assertEquals(received, { messages: expected }, `cut at ${at}`);
  }
});

test("lines: a carriage return before the beginning of a line is not part of it", () => {
  const result = lines().decoder.decode(bytesOf("\r\n"), 1);
  assertEquals(result, { kind: "message", message: "", bytesUsed: 1 });
});

test("lines: a message that would not be read back unchanged is not encoded", () => {
  for (const line of ["a\nb", "\n", "a\r\nb", "a\n"]) {
    assertThrows(() => encodeAll(lines(), line), TypeError, "a line feed");
  }
  for (const line of ["a\r", "\r"]) {
    assertThrows(() => encodeAll(lines(), line), TypeError, "a carriage return");
  }
  assertEquals(encodeAll(lines(), "a\rb"), bytesOf("a\rb\n"));
});

test("lines: a lone surrogate becomes U+FFFD, whatever is around it", () => {
  for (const around of ["", "x".repeat(30)]) {
    const bytes = encodeAll(lines(), `${around}\ud83c${around}`);
    assertEquals(bytes, bytesOf(`${around}\u{fffd}${around}\n`));
  }
});

test("lines: bytes that are not UTF-8 are invalid, after the lines before them", async () => {
  // A lone continuation, an overlong form, a surrogate, half a character; short and long.
  for (const bad of ["80", "c0 af", "ed a0 80", "f0 9f"]) {
    for (const around of ["", "x".repeat(30)]) {
      const text = bytesOf(around);
      const chunk = joined(bytesOf("good\n"), text, fromHex(bad), text, bytesOf("\ngood\n"));
      const { messages, error } = await decodeAll(lines(), [chunk]);
      assertEquals(messages, ["good"]);
      assertInstanceOf(error, ConnectionError);
      assertEquals(error.code, "invalid-message");
      assert(error.message.includes("not UTF-8"), error.message);
    }
  }
});

test("lines: a line over the limit is refused, whether its end is there or not", async () => {
  const longest = "x".repeat(99);
  const fits = await decodeAll(lines(), pieces(bytesOf(`${longest}\n`), 7), 100);
  assertEquals(fits, { messages: [longest] });
  for (const line of [`${longest}x\n`, `${longest}\r\n`, "x".repeat(100)]) {
    for (const size of [1, 7, 1000]) {
      const chunks = pieces(bytesOf(`first\n${line}`), size);
      assertEquals(await assertEndsWith(chunks, "message-too-large", 100), ["first"]);
    }
  }
});

test("lines: an unterminated last line is truncated", async () => {
  for (const size of [1, 1000]) {
    assertEquals(await assertEndsWith(pieces(bytesOf("a\nb"), size), "truncated"), ["a"]);
  }
});

test("lines: a long line that comes byte by byte is searched only once", () => {
  const { decoder } = lines();
  const line = new Uint8Array(1000).fill(120);
  let looks = 0;
  // It is seen at another offset each time, as it is when it is moved.
  for (let length = 1; length < line.length; length++) {
    const offset = length % 3;
    const shown = new Proxy(joined(new Uint8Array(offset), line.subarray(0, length)), {
      get(bytes, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) looks++;
        return Reflect.get(bytes, key, bytes);
      },
    });
    const result = decoder.decode(shown, offset);
    assertEquals(result, { kind: "incomplete", bytesNeeded: length + 1 });
  }
  assertEquals(looks, line.length - 1);
  line[line.length - 1] = 10;
  const result = decoder.decode(line, 0);
  assertEquals(result, { kind: "message", message: "x".repeat(999), bytesUsed: 1000 });
  const next = decoder.decode(bytesOf("y\nz\n"), 0);
  assertEquals(next, { kind: "message", message: "y", bytesUsed: 2 });
});
