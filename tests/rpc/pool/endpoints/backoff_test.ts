// How long what fails is left alone.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Rest } from "../../../../src/rpc/pool/endpoints/_backoff.ts";

function rest(options: { jitter?: number; random?: () => number } = {}) {
  return new Rest({ initial: 100, max: 1000, factor: 3, jitter: 0, random: () => 0, ...options });
}

/** Fails so many times, each time when the rest is over; gives how long each rest was. */
function rests(rest: Rest, count: number, from = 0): number[] {
  let now = from;
  return Array.from({ length: count }, () => {
    rest.failed("no", now, now);
    const length = rest.until - now;
    now = rest.until;
    return length;
  });
}

test("each backoff is longer by the factor, up to the maximum", () => {
  assertEquals(rests(rest(), 5), [100, 300, 900, 1000, 1000]);
  // Also after so many that the power is beyond all numbers.
  assertEquals(rests(rest(), 2000).at(-1), 1000);
});

test("jitter takes a random part off, and never more than its share", () => {
  assertEquals(rests(rest({ jitter: 0.5, random: () => 0 }), 3), [100, 300, 900]);
  assertEquals(rests(rest({ jitter: 0.5, random: () => 0.5 }), 3), [75, 225, 675]);
  assertEquals(rests(rest({ jitter: 1, random: () => 0.5 }), 3), [50, 150, 450]);
  const lengths = rests(rest({ jitter: 0.5, random: Math.random }), 100).slice(3);
  assert(lengths.every((length) => length > 500 && length <= 1000), lengths.join());
  assert(new Set(lengths).size > 50, "The rests are all the same");
});

test("concurrent attempts count as one failure", () => {
  const one = rest();
  for (const began of [0, 1, 2, 3]) one.failed("no", began, 10);
  assertEquals(one.until, 110);
  // One that began before the last failure says nothing new, though it comes late.
  one.failed("late", 9, 50);
  assertEquals([one.until, one.error], [110, "late"]);
  one.failed("again", 110, 110);
  assertEquals(one.until, 410);
});

test("a success ends the rest, and forgets the failures once it has lasted", () => {
  const flapping = rest();
  assertEquals(rests(flapping, 2), [100, 300]);
  flapping.succeeded(400);
  assertEquals(flapping.until, -Infinity);
  // It was gone before `initial` had passed: no better than a failure.
  assertEquals(rests(flapping, 1, 499), [900]);
  flapping.succeeded(2000);
  assertEquals(rests(flapping, 2, 2100), [100, 300]);
});
