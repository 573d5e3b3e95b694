import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { ConnectionError, EncoderStream, type EncoderStreamOptions } from "../../mod.ts";
import { framesCodec } from "../support/framing.ts";
import { outcome, soon, turn } from "../support/within.ts";

const KIB = 1024;

/** A stream of frames, with both of its sides held. */
function open(options?: EncoderStreamOptions<number[]>) {
  const stream = new EncoderStream(framesCodec().encoder, options);
  return { stream, writer: stream.writable.getWriter(), reader: stream.readable.getReader() };
}

/** The chunks that come of batches, and what the stream ended with, if not in order. */
async function encode(
  batches: Iterable<number[]>[],
  options?: EncoderStreamOptions<number[]>,
): Promise<{ chunks: Uint8Array[]; error?: unknown }> {
  const { writer, reader } = open(options);
  outcome((async () => {
    for (const batch of batches) await writer.write(batch);
    await writer.close();
  })());
  const chunks: Uint8Array[] = [];
  for (;;) {
    const read = await soon(outcome(reader.read()), "a chunk");
    if (read.kind === "error") return { chunks, error: read.error };
    if (read.value.done) return { chunks };
    chunks.push(read.value.value);
  }
}

/** More than can be encoded. */
const TOO_LONG: number[] = new Array(100).fill(8);

test("EncoderStream: a batch is one chunk", async () => {
  assertEquals(await encode([[[1], [2, 3], []], [[4]]]), {
    chunks: [new Uint8Array([1, 1, 2, 2, 3, 0]), new Uint8Array([1, 4])],
  });
});

test("EncoderStream: an empty batch gives no chunk", async () => {
  assertEquals(await encode([[], [[1]], []]), { chunks: [new Uint8Array([1, 1])] });
});

test("EncoderStream: a large batch is chunks of about 64 KiB", async () => {
  const message: number[] = new Array(99).fill(7);
  const batch = new Array<number[]>(3000).fill(message);
  const { chunks } = await encode([batch]);
  assertEquals(chunks.length, 5);
  for (const { length } of chunks.slice(0, -1)) {
    assert(length >= 64 * KIB && length < 64 * KIB + 100, `a chunk of ${length} bytes`);
  }
  assertEquals(concat(chunks), concat(new Array(3000).fill(new Uint8Array([99, ...message]))));
});

test("EncoderStream: without onEncodeError, a bad message ends the stream", async () => {
  const { error } = await encode([[[1]], [[2], TOO_LONG, [3]]]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "encoder");
  assertInstanceOf(error.cause, RangeError);
});

test("EncoderStream: with onEncodeError, a bad message is left out, with everything written of it", async () => {
  const heard: [unknown, number[]][] = [];
  const onEncodeError = (error: unknown, message: number[]) => void heard.push([error, message]);
  const { chunks, error } = await encode([[[1], TOO_LONG, [2]], [TOO_LONG], [[3]]], {
    onEncodeError,
  });
  assertEquals(error, undefined);
  assertEquals(chunks, [new Uint8Array([1, 1, 1, 2]), new Uint8Array([1, 3])]);
  assertEquals(heard.length, 2);
  for (const [cause, message] of heard) {
    assertInstanceOf(cause, RangeError);
    assertStrictEquals(message, TOO_LONG);
  }
});

test("EncoderStream: what onEncodeError throws ends the stream", async () => {
  const cause = new Error("oh");
  const onEncodeError = () => {
    throw cause;
  };
  assertStrictEquals((await encode([[TOO_LONG]], { onEncodeError })).error, cause);
});

test("EncoderStream: what a batch throws ends the stream", async () => {
  const cause = new Error("oh");
  function* batch(): Generator<number[]> {
    yield [1];
    throw cause;
  }
  assertStrictEquals((await encode([batch()])).error, cause);
});

test("EncoderStream: messages are asked for when there is room and not before", async () => {
  const { writer, reader } = open();
  let asked = 0;
  function* batch(): Generator<number[]> {
    asked++;
    yield [1];
  }
  const written = [writer.write(batch()), writer.write(batch())];
  await turn();
  assertEquals(asked, 0, "asked before anybody read");
  await soon(reader.read(), "the first batch");
  await turn();
  assertEquals(asked, 1, "asked for what nobody read");
  await soon(reader.read(), "the second batch");
  await soon(Promise.all(written), "the writes");
  assertEquals(asked, 2);
});
