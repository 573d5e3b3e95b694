import { concat } from "@std/bytes";
import { fail } from "@std/assert";
import { soon } from "./within.ts";

/** Bytes without a pattern, the same for the same seed (xorshift32). */
export function randomBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Like assertEquals, which takes minutes over megabytes. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
  what = "the bytes",
): void {
  if (actual.length !== expected.length) {
    fail(`${what}: ${actual.length} bytes, expected ${expected.length}`);
  }
  for (let at = 0; at < expected.length; at++) {
    if (actual[at] !== expected[at]) {
      fail(`${what}: byte ${at} is ${actual[at]}, expected ${expected[at]}`);
    }
  }
}

/** Cuts bytes into pieces of `size`. */
export function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
  return all;
}

/** Reads to the end. */
export async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  what = "the end of a stream",
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await soon(reader.read(), what);
    if (done) return concat(chunks);
    chunks.push(value);
  }
}

/** Reads until there are `length` bytes; fails if the end comes first, or more. */
export async function readExactly(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  length: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let got = 0;
  while (got < length) {
    const { done, value } = await soon(reader.read(), `${length} bytes, of which ${got} came`);
    if (done) fail(`The end came after ${got} of ${length} bytes`);
    chunks.push(value);
    got += value.length;
  }
  if (got > length) fail(`${got} bytes came, expected ${length}`);
  return concat(chunks);
}
