// docs/errors.md names every error code, and no other; a failed call has its caller's stack.
import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { body, clientAndPeer } from "../support/rpc.ts";
import { runtime } from "../support/runtime.ts";

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

// JavaScriptCore does not follow a promise to whoever awaits it.
const skip = runtime === "bun" && "Bun has no stack across promises";

test("the error of a call has the stack of who awaited it", { skip }, async () => {
  const { client } = clientAndPeer();
  async function thisCaller(): Promise<unknown> {
    const call = client.unary(body("x"), { timeout: 1 });
    return await call;
  }
  const error = await thisCaller().catch((error) => error) as Error;
  client.abort();
  assertMatch(error.stack ?? "", /async thisCaller/);
});
