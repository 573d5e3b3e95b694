// What several connections have read at once is spread over turns of the event loop.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { ReadTurns } from "../../src/adapters/sockets/_read_turns.ts";

/** Lets reads of so many bytes be done at once; tells in which turn each goes on. */
async function turnsOf(turns: ReadTurns, sizes: readonly number[]): Promise<number[]> {
  let turn = 0;
  // As a runtime settles them: all at once, and each has its microtask.
  const done = Promise.all(sizes.map(async (size) => {
    await undefined;
    await turns.next(size);
    return turn;
  }));
  for (const _ of sizes) {
    await new Promise((resolve) => setImmediate(resolve));
    turn++;
  }
  return done;
}

test("reads: a large one has a turn for itself, small ones share one", async () => {
  const turns = new ReadTurns();
  const found = await turnsOf(turns, [4000, 4000, 10, 4000, 4000]);
  // The first turn is the present one. The next immediates may run in one go of the loop, but
  // never does the present turn have two that are large.
  assertEquals(found[0], 0);
  assertEquals(found.slice(1).includes(0), false, `${found}`);
  assertEquals(await turnsOf(turns, Array(20).fill(50)), Array(20).fill(0));
});

test("reads: those of a later turn are counted anew", async () => {
  const turns = new ReadTurns();
  for (let i = 0; i < 3; i++) assertEquals(await turnsOf(turns, [4000]), [0]);
});
