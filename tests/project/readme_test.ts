// What the README shows is what the examples are, and they run.
import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Program } from "../support/program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

test("the README shows the examples as they are", () => {
  const shown = [...readme.matchAll(/<!-- (examples\/\S+) -->\n\n```ts\n([^]*?\n)```\n/g)];
  assertEquals(shown.map(([, file]) => file), [
    "examples/quick_start/services.ts",
    "examples/quick_start/server.ts",
    "examples/quick_start/client.ts",
    "examples/quick_start/rpc.ts",
  ]);
  for (const [, file, code] of shown) assertEquals(code, readFileSync(root + file, "utf8"));
});

test("the README's server and client talk", async () => {
  await using server = new Program("examples/quick_start/server.ts");
  await server.until(/\n/);
  await using client = new Program("examples/quick_start/client.ts");
  await client.ended;
  assertMatch(client.said, /^hello\n/);
  assertMatch(client.said, /kind: "?'?local/);
});

test("the README's rpc is answered", async () => {
  await using program = new Program("examples/quick_start/rpc.ts");
  await program.ended;
  assertEquals(program.said, "hello, world\n");
});

test("the README's service is called", async () => {
  await using program = new Program("examples/quick_start/services.ts");
  await program.ended;
  assertMatch(program.said, /symbol: ["']ACME["'],\s+price: 100,?\s+\}\nACME 100\nBOND 200\n$/);
});
