// What the README shows is what the examples are, and they run.
import { assertEquals, assertMatch } from "@std/assert";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
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

test("a service of three methods, with server and client, is a program of 25 lines", () => {
  const guide = readFileSync(`${root}docs/services.md`, "utf8");
  const [, fromProto] = guide.match(/\n## From a \.proto[^]*?```ts\n([^]*?\n)```\n/)!;
  const plain = readFileSync(`${root}examples/quick_start/services.ts`, "utf8");
  for (const program of [fromProto!, plain]) {
    const lines = program.split("\n").filter((line) => line.trim() !== "");
    assertEquals(lines.length <= 25, true, `${lines.length} lines`);
    assertEquals([...program.matchAll(/\bclient\.\w+\(/g)].length, 3);
  }
});

/** The quick start's programs as they are, but at a port that nobody else has. */
class QuickStart implements Disposable {
  readonly #folder = mkdtempSync(`${root}.docs-`);
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  start(name: string): Program {
    const code = readFileSync(`${root}examples/quick_start/${name}`, "utf8");
    const file = join(this.#folder, name);
    writeFileSync(file, code.replaceAll(/\bport: 900\d\b/g, `port: ${this.#port}`));
    return new Program(file);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** A port that is free, and below those that systems give out: nobody gets it meanwhile by chance. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await new Promise<boolean>((resolve) => {
      server.on("listening", () => server.close(() => resolve(true)));
      server.on("error", () => resolve(false));
    });
    if (free) return port;
  }
}

test("the README's server and client talk", async () => {
  using programs = new QuickStart(await freePort());
  await using server = programs.start("server.ts");
  await server.until(/\n/);
  await using client = programs.start("client.ts");
  await client.ended;
  assertMatch(client.said, /^hello\n/);
  assertMatch(client.said, /kind: "?'?local/);
});

test("the README's rpc is answered", async () => {
  using programs = new QuickStart(await freePort());
  await using program = programs.start("rpc.ts");
  await program.ended;
  assertEquals(program.said, "hello, world\n");
});

test("the README's service is called", async () => {
  using programs = new QuickStart(await freePort());
  await using program = programs.start("services.ts");
  await program.ended;
  assertMatch(
    program.said,
    /symbol: ["']ACME["'],\s+price: 100,?\s+\}\n100\n101\nACME 100\nBOND 200\n$/,
  );
});
