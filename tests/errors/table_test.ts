// docs/errors.md names every error code, and no other.
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

for (
  const [name, file] of [
    ["ConnectionError", "src/errors.ts"],
    ["TransportError", "src/errors.ts"],
    ["RpcError", "src/rpc/errors.ts"],
  ] as const
) {
  test(`docs/errors.md has every code of ${name}`, () => {
    const type = new RegExp(`type ${name}Code =([^;]*);`).exec(read(file))![1]!;
    const codes = [...type.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code);
    const section = read("docs/errors.md").split(`## ${name}\n`)[1]!.split("\n## ")[0]!;
    assertEquals([...section.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code]) => code), codes);
  });
}
