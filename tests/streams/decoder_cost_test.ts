// Costs are counted, in calls and bytes, for times depend on the machine.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Decoder } from "../../mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { pieces } from "../support/bytes.ts";
import { countCopies } from "../support/count_copies.ts";
import { decode } from "../support/framing.ts";

const MIB = 1024 * 1024;
const LENGTH = 768 * 1024;
/** How often an open-ended decoder may be asked; more is taken for endless. */
const MAX_CALLS = 10_000;
/** Bytes that tests and streams use themselves. */
const SLACK = 64 * 1024;

/** A message of `length` bytes behind a four-byte varint, and `after` bytes of empty messages. */
function delimited(length: number, after = 0): Uint8Array {
  const bytes = new Uint8Array(4 + length + after);
  for (let at = 0, rest = length; at < 4; at++, rest >>>= 7) {
    bytes[at] = (rest & 127) | (at < 3 ? 128 : 0);
  }
  return bytes;
}

/** Ends a message at each zero byte; like a decoder of lines, it never knows how much is missing. */
function untilZero(): Decoder<number> & { looked: number; calls: number } {
  let from = 0;
  return {
    looked: 0,
    calls: 0,
    decode(bytes, offset) {
      assert(++this.calls <= MAX_CALLS, "the decoder was asked again and again");
      const end = bytes.indexOf(0, offset + from);
      this.looked += (end < 0 ? bytes.length : end + 1) - offset - from;
      from = end < 0 ? bytes.length - offset : 0;
      if (end < 0) return { kind: "incomplete", bytesNeeded: bytes.length - offset + 1 };
      return { kind: "message", message: end - offset, bytesUsed: end + 1 - offset };
    },
  };
}

test("DecoderStream: a long message in small pieces is copied three times over at the most", async () => {
  const chunks = pieces(delimited(32 * MIB), 1024);
  let calls = 0;
  const { decoder } = lengthDelimited();
  const counting = { decode: (b: Uint8Array, at: number) => (calls++, decoder.decode(b, at)) };
  const { allocated } = await countCopies(3 * 32 * MIB + SLACK, async () => {
    const { batches, error } = await decode(counting, chunks, 33 * MIB);
    assertEquals(error, undefined);
    assertEquals(batches.flat().map((message) => message.length), [32 * MIB]);
  });
  assertEquals(calls, 2);
  assert(allocated <= 3 * 32 * MIB + SLACK, `${allocated} bytes were allocated`);
});

test("DecoderStream: what follows a long message costs no further copy of it", async () => {
  const chunks = pieces(delimited(LENGTH, 40_000), 64 * 1024);
  const { allocated } = await countCopies(3 * LENGTH, async () => {
    const { batches } = await decode(lengthDelimited().decoder, chunks);
    assertEquals(batches.flat().length, 1 + 40_000);
  });
  assert(allocated <= 3 * LENGTH, `${allocated} bytes were allocated`);
});

test("DecoderStream: a message that arrives whole is not copied", async () => {
  const chunks = pieces(delimited(1000), 2000);
  await countCopies(0, async () => {
    const { batches } = await decode(lengthDelimited().decoder, chunks);
    assertEquals(batches.length, 1);
  });
});

test("DecoderStream: memory grows with what arrives, not with what is announced", async () => {
  const chunks = pieces(delimited(4 * MIB - 4).subarray(0, 2000), 1);
  const { allocated } = await countCopies(3 * 2000, async () => {
    await decode(lengthDelimited().decoder, chunks);
  });
  assert(allocated <= 2 * 2 * 2000, `${allocated} bytes were allocated for 2000`);
});

test("DecoderStream: an open-ended message in small pieces is copied three times over at the most", async () => {
  const message = new Uint8Array(4 * MIB).fill(1);
  message[message.length - 1] = 0;
  const decoder = untilZero();
  const { allocated } = await countCopies(3 * 4 * MIB + SLACK, async () => {
    const { batches, error } = await decode(decoder, pieces(message, 1024));
    assertEquals([batches, error], [[[4 * MIB - 1]], undefined]);
  });
  assertEquals(decoder.looked, message.length);
  assertEquals(decoder.calls, message.length / 1024);
  assert(allocated <= 3 * 4 * MIB + SLACK, `${allocated} bytes were allocated`);
});

test("DecoderStream: an open-ended message in one long piece is not shown byte by byte", async () => {
  const message = new Uint8Array(MIB).fill(1);
  message[message.length - 1] = 0;
  const decoder = untilZero();
  const { batches } = await decode(decoder, [message.subarray(0, 1), message.subarray(1)]);
  assertEquals(batches, [[MIB - 1]]);
  assert(decoder.calls <= 30, `the decoder was asked ${decoder.calls} times`);
});

test("DecoderStream: what is skipped is neither copied nor kept", async () => {
  let first = true;
  const skipper: Decoder<never> = {
    decode() {
      assert(first, "the decoder was asked about bytes to skip");
      first = false;
      return { kind: "skip", distance: 16 * MIB };
    },
  };
  const chunks = pieces(new Uint8Array(16 * MIB), 64 * 1024);
  const { allocated } = await countCopies(0, async () => {
    assertEquals(await decode(skipper, chunks), { batches: [] });
  });
  assert(allocated <= SLACK, `${allocated} bytes were allocated`);
});
