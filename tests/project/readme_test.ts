// What the README shows is what the examples are, and they run.
import { assertEquals, assertMatch } from "@std/assert";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { within } from "../support/within.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

/** Starts an example on the runtime that runs this. */
function start(file: string) {
  const flags = "Deno" in globalThis
    ? ["run", "-A", "--quiet"]
    : "Bun" in globalThis
    ? ["run"]
    : ["--import", "tsx"];
  const child = spawn(process.execPath, [...flags, file], { cwd: root, stdio: "pipe" });
  let said = "";
  let onSaid = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      onSaid();
    });
  }
  const ended = new Promise<string>((resolve) => child.on("close", () => resolve(said)));
  const first = new Promise<void>((resolve) => onSaid = resolve);
  return { child, first, ended };
}

test("the README shows the examples as they are", () => {
  const shown = [...readme.matchAll(/<!-- (examples\/\S+) -->\n\n```ts\n([^]*?\n)```\n/g)];
  assertEquals(shown.map(([, file]) => file), [
    "examples/quick_start/server.ts",
    "examples/quick_start/client.ts",
    "examples/quick_start/rpc.ts",
  ]);
  for (const [, file, code] of shown) assertEquals(code, readFileSync(root + file, "utf8"));
});

test("the README's server and client talk", async () => {
  const server = start("examples/quick_start/server.ts");
  try {
    await within(20_000, server.first, "the server's first line");
    const client = start("examples/quick_start/client.ts");
    const said = await within(20_000, client.ended, "the client's end");
    assertMatch(said, /^hello\n/);
    assertMatch(said, /kind: "?'?local/);
  } finally {
    server.child.kill();
    await server.ended;
  }
});

test("the README's rpc is answered", async () => {
  const { ended } = start("examples/quick_start/rpc.ts");
  assertEquals(await within(20_000, ended, "the example's end"), "hello, world\n");
});
