// A whole program, in a process of its own, and what signals do to it.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";
import { outcome } from "../support/within.ts";
import { ask, dial, workers } from "./support.ts";

const PROGRAM = "tests/cores/program.ts";

test("cores: after a SIGTERM to all processes, the program decides, and closes in order", async () => {
  await using program = new Program(PROGRAM, [], { ownGroup: true });
  const { port } = await program.listening();
  const clients = await Promise.all(Array.from({ length: 4 }, () => dial(port)));
  const answers = clients.map((client) => ask(client, "slow"));
  for (const client of clients) await ask(client, "who");
  program.killAll("SIGTERM");
  assertEquals(await Promise.all(answers), answers.map(() => "after all"));
  assertEquals(await program.ended, 0);
  assertMatch(program.said, /\nclosed in order\n$/);
});

test("cores: workers end with the program, however that ends", async () => {
  await using program = new Program(PROGRAM);
  const { port } = await program.listening();
  assertEquals((await workers(port, 2)).size, 2);
  program.kill("SIGKILL");
  // Workers that lived on would hold its output open, and their port.
  assertEquals(await program.ended, "SIGKILL");
  assertEquals((await outcome(dial(port))).kind, "error");
});
