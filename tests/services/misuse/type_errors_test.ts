// What the compiler says of a wrong handler: it names the method.
import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { command, packaged, root } from "../../../tools/runtimes.ts";
import { runtime } from "../../support/runtime.ts";

/** Handlers that are wrong, by what is wrong, each of the method that must be named. */
const WRONG: Readonly<Record<string, readonly [method: string, handler: string]>> = {
  "a result of another type": ["getQuote", `getQuote: () => ({ symbol: 1, cents: 1 })`],
  "a promise of another type": ["putQuotes", `putQuotes: async () => ({ count: "1" })`],
  "a field that the result lacks": ["hello", `hello: () => ({})`],
  "no result": ["getQuote", `getQuote() {}`],
  "an item of another type": ["watchQuotes", `async *watchQuotes() { yield { cents: "1" }; }`],
  "one response for a stream": ["watchQuotes", `watchQuotes: () => ({ cents: 1 })`],
  "another request": ["getQuote", `getQuote: (request: number) => ({ cents: request })`],
  "a handler that is no function": ["getQuote", `getQuote: 5`],
  "no such method": ["getQuotes", `getQuotes: () => ({})`],
};

const skip = runtime === "node" ? {} : { skip: "the compiler runs on Node" };

test("types of services: an error names the method", skip, () => {
  const folder = mkdtempSync(join(tmpdir(), "protosocket-types-"));
  try {
    const head = [
      `import { defineService, implement } from "@protosocket/protosocket/services";`,
      `import { Prices } from "${root}tests/services/support.ts";`,
      `import { z } from "${root}node_modules/zod";`,
      `const text = z.object({ text: z.string() });`,
      `const Greeter = defineService("a.Greeter", { hello: { request: text, response: text } });`,
    ];
    const lines = Object.values(WRONG).map(([method, handler]) =>
      `implement(${method === "hello" ? "Greeter" : "Prices"}, { ${handler} });`
    );
    writeFileSync(join(folder, "wrong.ts"), [...head, ...lines].join("\n"));
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: `${root}tsconfig.json`,
        compilerOptions: { typeRoots: [`${root}node_modules/@types`], isolatedDeclarations: false },
        files: ["wrong.ts"],
      }),
    );
    const { stdout } = spawnSync(
      command("node"),
      [packaged("typescript/bin/tsc"), "-p", folder, "--pretty", "false"],
      { encoding: "utf8" },
    );
    // The first line of each error, by where it is.
    const said = new Map(
      [...stdout.matchAll(/^.*wrong\.ts\((\d+),\d+\): error (.*)$/gm)]
        .map(([, line, message]) => [Number(line) - head.length - 1, message!]),
    );
    assertEquals(said.size, lines.length, stdout);
    for (const [i, [what, [method]]] of Object.entries(WRONG).entries()) {
      assertMatch(said.get(i) ?? "", new RegExp(`["']${method}["']`), what);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
