// Unsigned varints (protobuf.dev/programming-guides/encoding, "Base 128 Varints").
import type { EncodeBuffer } from "../encode_buffer.ts";

/** A u64 has at most ten bytes as a varint. */
export const MAX_VARINT = 10;

/** How many bytes a whole number takes; at most 2^53 - 1. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) width++;
  return width;
}

/** Writes a whole number of at most 2^53 - 1 and returns where it ends. */
export function putVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  // Bit operations see 32 bits, and shifts of positive numbers are quick with 31.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[at++] = rest & 127 | 128;
  for (; rest > 127; rest >>= 7) bytes[at++] = rest & 127 | 128;
  bytes[at++] = rest;
  return at;
}

/**
 * Puts the length in front of all that follows after `before` bytes in `out`. Room for
 * it, `guessed` bytes, has been left there; what turns out to need more or less is moved.
 */
export function putLength(out: EncodeBuffer, before: number, guessed: number): void {
  const size = out.length - before;
  if (size < 128 && guessed === 1) {
    out.bytes[out.offset - size - 1] = size;
    return;
  }
  const width = varintWidth(size);
  if (width !== guessed) {
    out.reserve(MAX_VARINT);
    const start = out.offset - size;
    out.bytes.copyWithin(start + width - guessed, start, out.offset);
    out.offset += width - guessed;
  }
  putVarint(out.bytes, out.offset - size - width, size);
}
