// The soak's verdict on a heap.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { verdict } from "../../bench/soak/verdict.ts";

const MIB = 2 ** 20;
/** Samples once a second, with jumps of up to 3 MiB that are the same in each run. */
const samples = (perSecond: number) =>
  Array.from({ length: 60 }, (_, at) => ({
    at,
    heap: 20 * MIB + at * perSecond + ((at * 7919) % 13) / 13 * 3 * MIB,
  }));

test("a heap that fluctuates is not growing, one whose minimum rises is", () => {
  assertEquals(verdict(samples(0), 0).growing, false);
  const { growing, slope } = verdict(samples(0.2 * MIB), 0);
  assertEquals(growing, true);
  assert(Math.abs(slope / MIB - 12) < 3, `${slope / MIB} MiB a minute, not about 12`);
});

test("a heap that grows only during the warm-up is not growing", () => {
  const warming = samples(0).map(({ at, heap }) => ({
    at,
    heap: heap - Math.max(0, 45 - at) * MIB,
  }));
  assertEquals(verdict(warming, 0).growing, true);
  assertEquals(verdict(warming, 30).growing, false);
});
