// Batches with a limit: what a chunk has beyond it is decoded later.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { DecoderStream } from "../../mod.ts";
import { pieces } from "../support/bytes.ts";
import { type Asked, frames, INVALID, SKIP } from "../support/framing.ts";
import { outcome, soon } from "../support/within.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const NOTHING = bytes();
const STREAM = bytes(...[0, 1, 7, SKIP, 3, 9, 2, 8, 8, 0, 0, 1, 6, SKIP, 2, 0, 3, 5, 5, 5]);
const MESSAGES = [[], [7], [8, 8], [], [], [6], [], [5, 5, 5]];

function open(maxBatchLength: number) {
  const asked: Asked = { calls: 0, shown: [] };
  const stream = new DecoderStream(frames(asked), { maxBatchLength });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  return {
    asked,
    stream,
    write: (chunk: Uint8Array) => soon(writer.write(chunk), "a write"),
    end: () => soon(writer.close(), "the end"),
    batch: async () => (await soon(reader.read(), "a batch")).value,
  };
}

test("DecoderStream: a batch has as many messages as it may, an empty chunk asks for the next", async () => {
  const { stream, asked, write, end, batch } = open(3);
  const first = batch();
  await write(STREAM);
  assertEquals([await first, asked.calls, stream.behind], [MESSAGES.slice(0, 3), 4, true]);
  const second = batch();
  await write(NOTHING);
  assertEquals([await second, asked.calls, stream.behind], [MESSAGES.slice(3, 6), 7, true]);
  const third = batch();
  await write(NOTHING);
  assertEquals([await third, stream.behind], [MESSAGES.slice(6), false]);
  const rest = batch();
  await write(NOTHING);
  await end();
  assertEquals(await rest, undefined);
});

test("DecoderStream: writing on, or closing, before the rest is decoded loses nothing", async () => {
  for (let size = 1; size <= STREAM.length; size++) {
    for (let most = 1; most <= MESSAGES.length; most++) {
      const { write, end, batch } = open(most);
      const writes = [...pieces(STREAM, size).map(write), end()];
      const batches: number[][][] = [];
      for (let next; (next = await batch()); batches.push(next));
      await Promise.all(writes);
      assertEquals(batches.flat(), MESSAGES, `pieces of ${size}, batches of ${most}`);
    }
  }
});

test("DecoderStream: a bad message after a batch is reported after it", async () => {
  const { write, batch } = open(1);
  const first = batch();
  await write(bytes(0, INVALID));
  assertEquals(await first, [[]]);
  const second = outcome(batch());
  const next = outcome(write(NOTHING));
  assertEquals([(await second).kind, (await next).kind], ["error", "error"]);
});

test("DecoderStream: writing on delivers everything before a bad message", async () => {
  const { write, end, batch } = open(1);
  const writes = [bytes(0, 0, 0), bytes(0, 0, INVALID)].map((chunk) => outcome(write(chunk)));
  writes.push(outcome(end()));
  assertEquals([await batch(), await batch(), await batch()], [[[]], [[], []], [[], []]]);
  assertEquals((await outcome(batch())).kind, "error");
  await Promise.all(writes);
});

test("DecoderStream: a maxBatchLength out of range is refused", () => {
  for (const value of [0, -1, 0.5, NaN, 2 ** 33]) {
    assertThrows(() => open(value), RangeError, "maxBatchLength");
  }
});
