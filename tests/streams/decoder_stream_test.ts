import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ConnectionError, type ConnectionErrorCode, type DecodeResult } from "../../mod.ts";
import { pieces } from "../support/bytes.ts";
import { type Asked, decode, frames, INVALID, SKIP } from "../support/framing.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

/** Messages, empty ones too, with something to skip at each place. */
const STREAM = bytes(
  ...[SKIP, 2, 2, 10, 11, 0, SKIP, 5, 1, 2, 3, 1, 20],
  ...[SKIP, 3, 9, SKIP, 2, 3, 30, 31, 32, 0, 4, 40, 41, 42, 43, SKIP, 4, 5, 5],
);
const MESSAGES = [[10, 11], [], [20], [30, 31, 32], [], [40, 41, 42, 43]];

function assertCode(error: unknown, code: ConnectionErrorCode): ConnectionError {
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, code);
  return error;
}

test("DecoderStream: one chunk gives one batch of all its messages", async () => {
  assertEquals(await decode(frames(), [STREAM]), { batches: [MESSAGES] });
});

test("DecoderStream: a cut anywhere gives the same messages", async () => {
  for (let at = 0; at <= STREAM.length; at++) {
    const { batches, error } = await decode(frames(), [STREAM.slice(0, at), STREAM.slice(at)]);
    assertEquals(batches.flat(), MESSAGES, `cut at ${at}`);
    assertEquals(error, undefined, `cut at ${at}`);
  }
});

test("DecoderStream: two cuts anywhere give the same messages", async () => {
  for (let first = 0; first <= STREAM.length; first++) {
    for (let second = first; second <= STREAM.length; second++) {
      const cut = [STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second)];
      const { batches, error } = await decode(frames(), cut);
      assertEquals(batches.flat(), MESSAGES, `cut at ${first} and ${second}`);
      assertEquals(error, undefined, `cut at ${first} and ${second}`);
    }
  }
});

test("DecoderStream: pieces of any size give the same messages", async () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const { batches, error } = await decode(frames(), pieces(STREAM, size));
    assertEquals(batches.flat(), MESSAGES, `pieces of ${size}`);
    assertEquals(error, undefined, `pieces of ${size}`);
  }
});

test("DecoderStream: a chunk that completes nothing gives no batch", async () => {
  const { batches } = await decode(frames(), [bytes(2, 1), bytes(), bytes(2, 1), bytes(7)]);
  assertEquals(batches, [[[1, 2]], [[7]]]);
});

test("DecoderStream: an empty input ends in order", async () => {
  assertEquals(await decode(frames(), []), { batches: [] });
  assertEquals(await decode(frames(), [bytes()]), { batches: [] });
});

test("DecoderStream: the decoder is asked again only when its bytes are there", async () => {
  const asked: Asked = { calls: 0, shown: [] };
  await decode(frames(asked), pieces(bytes(9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0), 1));
  // Once when the first byte came, once when all ten were there, once for the second message.
  assertEquals(asked.shown, [1, 10, 1]);
});

test("DecoderStream: the decoder is not asked about bytes that are skipped", async () => {
  const asked: Asked = { calls: 0, shown: [] };
  const { batches } = await decode(frames(asked), pieces(bytes(SKIP, 100, ...Array(98), 1, 7), 1));
  assertEquals(batches, [[[7]]]);
  assertEquals(asked.shown, [1, 2, 1, 2]);
});

test("DecoderStream: a decoder may look further than its message goes", async () => {
  // A message is one byte, and how many bytes it must see after itself.
  const ahead = {
    decode(chunk: Uint8Array, offset: number): DecodeResult<number> {
      const message = chunk[offset]!;
      if (chunk.length - offset <= message) return { kind: "incomplete", bytesNeeded: message + 1 };
      return { kind: "message", message, bytesUsed: 1 };
    },
  };
  const stream = bytes(5, 2, 1, 0, 1, 0, 3, 0, 2, 0, 0);
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const cut = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
      const { batches, error } = await decode(ahead, cut);
      assertEquals(batches.flat(), [...stream], `cut at ${first} and ${second}`);
      assertEquals(error, undefined, `cut at ${first} and ${second}`);
    }
  }
});

test("DecoderStream: the decoder never sees bytes before its message", async () => {
  const seen: number[][] = [];
  const { decode: real } = frames();
  const spy = {
    decode(chunk: Uint8Array, offset: number) {
      seen.push([...chunk.subarray(offset)]);
      return real(chunk, offset);
    },
  };
  await decode(spy, [bytes(1, 5, 2, 6), bytes(7, 0)]);
  assertEquals(seen.map((shown) => shown.slice(0, 2)), [[1, 5], [2, 6], [2, 6], [0]]);
});

test("DecoderStream: messages before the bad one come first", async () => {
  const { batches, error } = await decode(frames(), [bytes(1, 1, 1, 2, INVALID, 1, 3)]);
  assertEquals(batches, [[[1], [2]]]);
  const { message } = assertCode(error, "invalid-message");
  assertEquals(message, "Invalid message: nothing begins with 255");
});

test("DecoderStream: an end within a message is an error, after those before it", async () => {
  const { batches, error } = await decode(frames(), [bytes(1, 1, 4, 2, 2)]);
  assertEquals(batches, [[[1]]]);
  const { message } = assertCode(error, "truncated");
  assert(message.includes("3 of at least 5 bytes"), message);
});

test("DecoderStream: an end within skipped bytes is an error", async () => {
  const { error } = await decode(frames(), [bytes(SKIP, 10, 0, 0)]);
  const { message } = assertCode(error, "truncated");
  assert(message.includes("6 bytes"), message);
});

test("DecoderStream: messages are views of the chunk that they arrived in", async () => {
  const chunk = bytes(1, 2, 3);
  const whole = {
    decode: (shown: Uint8Array, offset: number) => ({
      kind: "message" as const,
      message: shown.subarray(offset, offset + 1),
      bytesUsed: 1,
    }),
  };
  const { batches } = await decode(whole, [chunk]);
  assertEquals(batches.flat().map((message) => message.buffer === chunk.buffer), [
    true,
    true,
    true,
  ]);
});
