import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Program } from "../../support/program.ts";

test("example services-zod: what the schemas accept, and what not", async () => {
  await using program = new Program("examples/services-zod/notes.ts", ["127.0.0.1:0"]);
  assertEquals(await program.ended, 0, program.said);
  assertMatch(
    program.said,
    /^note 1\nnote 2\nnote 3\n1: a note of ada\n3: a note of ada\ninvalid-argument: .*author.*\n$/,
  );
});
