// What is seen of metadata where a program logs it.
import { Metadata } from "@protosocket/protosocket/services";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";

type Inspect = (value: unknown) => string;
const global = globalThis as { Deno?: { inspect: Inspect }; Bun?: { inspect: Inspect } };
/** What the runtime's own console does, beside that of Node's modules. */
const inspects: Inspect[] = [inspect, global.Deno?.inspect, global.Bun?.inspect]
  .filter((one) => one !== undefined);

/** How each shows it, with one kind of quotes, and all in one line. */
function shows(value: unknown, expected: string): void {
  for (const one of inspects) {
    const text = one(value).replaceAll("'", '"').replaceAll(/,(?=\s*})/g, "");
    assertEquals(text.replaceAll(/\s+/g, " "), expected);
  }
}

test("metadata is shown with its keys, and their values in order", () => {
  const metadata = new Metadata({ Authorization: "Bearer 123", tag: ["a", "b", "c"] });
  shows(metadata, 'Metadata { authorization: "Bearer 123", tag: [ "a", "b", "c" ] }');
});

test("metadata is shown within something, with bytes, and if it is empty", () => {
  const metadata = new Metadata({ id: new Uint8Array([1, 2]) });
  shows({ metadata }, "{ metadata: Metadata { id: Uint8Array(2) [ 1, 2 ] } }");
  shows(new Metadata(), "Metadata {}");
});

test("metadata is shown with keys that objects have", () => {
  const metadata = new Metadata();
  metadata.append("constructor", "a").append("__proto__", new Uint8Array(1));
  shows(metadata, 'Metadata { constructor: "a", ["__proto__"]: Uint8Array(1) [ 0 ] }');
});
