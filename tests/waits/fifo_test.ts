import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { Fifo } from "../../src/waits/fifo.ts";

test("a queue gives what it was given, in order", () => {
  const queue = new Fifo<number>();
  let pushed = 0;
  let taken = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i <= round % 7; i++) queue.push(pushed++);
    while (queue.length > round % 3) {
      assertEquals(queue.peek(), taken);
      assertEquals(queue.shift(), taken++);
    }
    assertEquals(queue.length, pushed - taken);
  }
  queue.clear();
  assertEquals(queue.length, 0);
  queue.push(7);
  assertEquals([queue.length, queue.shift(), queue.length], [1, 7, 0]);
});

test("a queue that is never empty keeps no memory for what was taken from it", () => {
  const queue = new Fifo<number>();
  queue.push(0);
  const before = process.memoryUsage().rss;
  for (let i = 1; i < 20_000_000; i++) {
    queue.push(i);
    queue.shift();
  }
  const grown = process.memoryUsage().rss - before;
  // One place for each that passed would be 160 million bytes.
  assert(grown < 80e6, `The memory grew by ${grown} bytes`);
  assertEquals(queue.length, 1);
});
