import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { type Waiting, WaitingLine } from "../../src/waits/waiting_line.ts";

interface Item extends Waiting {
  readonly number: number;
}

function item(number: number): Item {
  return { number, left: false };
}

test("a line returns its items in order, without those that have left", () => {
  const line = new WaitingLine<Item>();
  const items = Array.from({ length: 1000 }, (_, number) => item(number));
  for (const each of items) line.push(each);
  // All but every seventh leave, from the end to the beginning.
  for (const each of items.toReversed()) if (each.number % 7 !== 0) line.leave(each);
  assertEquals(line.length, 143);
  for (let number = 0; number < 1000; number += 7) assertEquals(line.shift()?.number, number);
  assertEquals([line.shift(), line.length], [undefined, 0]);
});

test("a line whose last item leaves is empty", () => {
  const line = new WaitingLine<Item>();
  for (let round = 0; round < 3; round++) {
    const items = [item(1), item(2), item(3)];
    for (const each of items) line.push(each);
    assertEquals(line.shift(), items[0]);
    line.leave(items[2]!);
    line.leave(items[1]!);
    assertEquals([line.length, line.shift()], [0, undefined]);
  }
  for (const number of [1, 2]) line.push(item(number));
  assertEquals([...line.drain()].map(({ number }) => number), [1, 2]);
  assertEquals(line.length, 0);
});

test("a line that is never empty keeps no memory for those that were in it", () => {
  const line = new WaitingLine<Item>();
  line.push(item(0));
  const before = process.memoryUsage().rss;
  for (let i = 1; i < 10_000_000; i++) {
    const each = item(i);
    line.push(each);
    // Every other one has its turn.
    if (i % 2 === 0) line.leave(each);
    else line.shift();
  }
  const grown = process.memoryUsage().rss - before;
  // One place for each would be 80 million bytes, without what stands in it.
  assert(grown < 60e6, `The memory grew by ${grown} bytes`);
  assertEquals(line.length, 1);
});
