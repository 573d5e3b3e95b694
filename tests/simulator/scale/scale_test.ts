// A small fleet of models: pools use few connections, and lose less than who does not learn.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { spreadKeys } from "./keys.ts";
import { type PhaseResult, runScale } from "./run.ts";

const SCALE = { endpoints: 60, clients: 12, rate: 20 };

test("a fleet of which parts fail, called by pools and by turns", async () => {
  const run = async (way: string) => {
    const { phases } = await runScale(way, SCALE, 1);
    return (name: PhaseResult["phase"]) => phases.find(({ phase }) => phase === name)!;
  };
  const pool = await run("this pool");
  const turns = await run("round robin");
  for (const name of ["first calls", "all is well", "it is back", "2 % are new"] as const) {
    assertEquals([name, pool(name).failed, pool(name).connections], [name, 0, 12 * 20]);
  }
  // No more than those that a server which restarts has not answered in time.
  assert(pool("10 % restart").failed <= 4, `${pool("10 % restart").failed} failed`);
  const lost = [pool, turns].map((phases) => phases("a zone is lost").failed);
  assert(lost[0]! < 0.7 * lost[1]!, lost.join());
});

test("keys move as little as they can", () => {
  const [rendezvous] = spreadKeys(50, 5000);
  assert(Math.abs(rendezvous!.gone - 1 / 50) < 0.01 && Math.abs(rendezvous!.come - 1 / 51) < 0.01);
});
