import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  ConnectionError,
  type ConnectionErrorCode,
  type DecodeResult,
  DecoderStream,
} from "../../mod.ts";
import { always, decode, frames } from "../support/framing.ts";

const CHUNK = new Uint8Array([1, 7, 1]);

/** Registers a case of a decoder that answers `result` to three bytes. */
function answers(
  name: string,
  result: DecodeResult<string>,
  code: ConnectionErrorCode,
  says: string,
): void {
  test(`DecoderStream: a decoder that ${name} ends the stream`, async () => {
    const { batches, error } = await decode(always(result), [CHUNK], 1000);
    assertEquals(batches, []);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, code);
    assert(error.message.includes(says), error.message);
  });
}

const message = "message";
answers(
  "claims more than it saw",
  { kind: "message", message, bytesUsed: 4 },
  "decoder",
  "used 4 of the 3",
);
answers("claims nothing", { kind: "message", message, bytesUsed: 0 }, "decoder", "used 0 of");
answers(
  "claims less than nothing",
  { kind: "message", message, bytesUsed: -1 },
  "decoder",
  "used -1",
);
answers(
  "claims what is no number",
  { kind: "message", message, bytesUsed: NaN },
  "decoder",
  "used NaN",
);
answers("claims half a byte", { kind: "message", message, bytesUsed: 1.5 }, "decoder", "used 1.5");
answers("asks for what it has", { kind: "incomplete", bytesNeeded: 3 }, "decoder", "asks for 3");
answers("asks for less", { kind: "incomplete", bytesNeeded: 0 }, "decoder", "asks for 0");
answers(
  "asks for what is no number",
  { kind: "incomplete", bytesNeeded: NaN },
  "decoder",
  "asks for NaN",
);
answers(
  "asks for too much",
  { kind: "incomplete", bytesNeeded: 1001 },
  "message-too-large",
  "1001 bytes",
);
answers(
  "asks for everything",
  { kind: "incomplete", bytesNeeded: Infinity },
  "message-too-large",
  "1000",
);
answers("skips nothing", { kind: "skip", distance: 0 }, "decoder", "skip 0");
answers("skips backwards", { kind: "skip", distance: -1 }, "decoder", "skip -1");
answers("skips for ever", { kind: "skip", distance: Infinity }, "decoder", "skip Infinity");
answers("skips half a byte", { kind: "skip", distance: 0.5 }, "decoder", "skip 0.5");

test("DecoderStream: a decoder that throws ends the stream, with what it threw", async () => {
  const cause = new Error("oh");
  const thrower = {
    decode: () => {
      throw cause;
    },
  };
  const { error } = await decode(thrower, [CHUNK]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "decoder");
  assertStrictEquals(error.cause, cause);
});

test("DecoderStream: what a decoder found invalid is the cause", async () => {
  const cause = new Error("oh");
  const { error } = await decode(always({ kind: "invalid", reason: "no", cause }), [CHUNK]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "invalid-message");
  assert(error.message.startsWith("Invalid message: no; the first bytes are "), error.message);
  assertStrictEquals(error.cause, cause);
});

test("DecoderStream: a message that is over the limit is refused though it is there", async () => {
  const { batches, error } = await decode(frames(), [new Uint8Array([2, 1, 1, 3, 1, 1, 1])], 3);
  assertEquals(batches, [[[1, 1]]]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "message-too-large");
  assert(error.message.includes("4 bytes is over maxBufferLength, 3 bytes"), error.message);
});

test("DecoderStream: a message of exactly the limit is accepted, whole or in pieces", async () => {
  for (const cut of [0, 1, 2, 3]) {
    const chunk = new Uint8Array([3, 1, 2, 3]);
    const { batches, error } = await decode(frames(), [chunk.slice(0, cut), chunk.slice(cut)], 4);
    assertEquals([batches.flat(), error], [[[1, 2, 3]], undefined], `cut at ${cut}`);
  }
});

test("DecoderStream: what is skipped may be longer than the limit", async () => {
  const far = { decode: () => ({ kind: "skip" as const, distance: 1_000_000 }) };
  const chunks = Array.from({ length: 100 }, () => new Uint8Array(10_000));
  assertEquals(await decode(far, chunks, 10), { batches: [] });
});

test("DecoderStream: a limit out of range is refused", () => {
  for (const maxBufferLength of [0, -1, 1.5, NaN, Infinity, 2 ** 32 + 1]) {
    const error = assertThrows(() => new DecoderStream(frames(), { maxBufferLength }), RangeError);
    assert(error.message.includes("maxBufferLength"), error.message);
  }
});
