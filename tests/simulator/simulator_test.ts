// Seeds of the simulator: everybody gets on, and nothing is lost, doubled or left behind.
import { fail } from "@std/assert";
import { test } from "node:test";
import { MIXES } from "./plan.ts";
import { run } from "./run.ts";

/** Seeds of each mix, from 1: always the same ones. `npm run simulate` runs others. */
const SEEDS = 5;

for (const mix of MIXES) {
  test(`simulator: ${mix}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, trace } = await run(seed, mix);
      if (violations.length === 0) continue;
      fail(`Seed ${seed}, mix ${mix}:\n${violations.join("\n")}\n\n${trace(60)}`);
    }
  });
}
