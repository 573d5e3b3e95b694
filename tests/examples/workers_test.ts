import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";

test("example workers: a pool of threads shares the work, and the program ends", async () => {
  await using program = new Program("examples/workers/main.ts");
  assertEquals(await program.ended, 0, program.said);
  assertEquals(program.said, "216816 primes below 3000000, counted by 3 workers\n");
});
