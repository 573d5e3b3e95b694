import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ConnectionError } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { pieces } from "../support/bytes.ts";
import { decodeAll, decodeOne, encodeAll } from "../support/codec.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

const VALUES = [
  { id: 1, name: "Grüße\n世界 🌍\u2028", nested: { list: [1, 2.5, null, true] } },
  [],
  {},
  "text",
  "",
  0,
  -1.5e300,
  false,
  null,
];

test("json: a value is one line", () => {
  const bytes = encodeAll(json(), { a: "x\ny" }, [1, null]);
  assertEquals(bytes, bytesOf('{"a":"x\\ny"}\n[1,null]\n'));
});

for (const size of [1, 2, 5, 1000]) {
  test(`json: values survive arrival in pieces of ${size} bytes`, async () => {
    const chunks = pieces(encodeAll(json(), ...VALUES), size);
    assertEquals(await decodeAll(json(), chunks), { messages: VALUES });
  });
}

test("json: white space and a carriage return around a value are accepted", async () => {
  const { messages } = await decodeAll(json(), [bytesOf(' { "a" : 1 } \r\n\t2\n')]);
  assertEquals(messages, [{ a: 1 }, 2]);
});

test("json: a line that is not JSON is invalid, with a reason, after the values before it", async () => {
  for (const bad of ["", "{", "undefined", "{'a':1}", "1 2", "NaN", "[1,]", '"a\tb"']) {
    const { messages, error } = await decodeAll(json(), [bytesOf(`1\n${bad}\n2\n`)]);
    assertEquals(messages, [1], bad);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "invalid-message");
    assertStringIncludes(error.message, `a line of ${bad.length} bytes: `);
    assertInstanceOf(error.cause, SyntaxError);
  }
});

test("json: an unterminated last value is truncated", async () => {
  const { messages, error } = await decodeAll(json(), [bytesOf("1\n2")]);
  assertEquals(messages, [1]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "truncated");
});

test("json: a key __proto__ changes no prototype", () => {
  const line = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}\n';
  const message = decodeOne(json<Record<string, unknown>>(), bytesOf(line));
  assertEquals(Object.getPrototypeOf(message), Object.prototype);
  assertEquals(Object.keys(message), ["__proto__", "constructor"]);
  assertEquals([message["polluted"], ({} as Record<string, unknown>)["polluted"]], [
    undefined,
    undefined,
  ]);
  assertEquals(encodeAll(json(), message), bytesOf(line));
});

test("json: a message that JSON cannot represent is not encoded", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  for (const message of [undefined, () => 1, Symbol("s"), 1n, { a: [1n] }, cycle]) {
    assertThrows(() => encodeAll(json(), message), TypeError, "Cannot encode a message as JSON: ");
  }
});
