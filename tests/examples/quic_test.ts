import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";
import { runtime } from "../support/runtime.ts";

const skip = runtime === "deno" ? undefined : "of the runtimes only Deno has QUIC";

test("example quic: a stream of a QUIC connection is a duplex", { skip }, async () => {
  const flags = ["--unstable-net"];
  await using program = new Program("examples/quic/main.ts", [], { flags });
  assertEquals(await program.ended, 0, program.said);
  const lines = ["hello 0!, hello 1!, hello 2!", "1006 letters", "s", "local, local, local", ""];
  assertEquals(program.said, lines.join("\n"));
});
