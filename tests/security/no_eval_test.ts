// Nothing that ships makes code out of strings.
import { assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

test("no eval, and no Function from a string", () => {
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => {
      const code = readFileSync(root + file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
      return /\beval\s*\(|\bnew Function\b|[^.\w]Function\(/.test(code);
    });
  assertEquals(found, []);
});
