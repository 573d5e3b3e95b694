// Unsigned varints (protobuf.dev/programming-guides/encoding, "Base 128 Varints").
import type { EncodeBuffer } from "../streams/encode_buffer.ts";

/** A u64 has at most ten bytes as a varint. */
export const MAX_VARINT = 10;

/** How many bytes a non-negative safe integer takes. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) width++;
  return width;
}

/** Writes a non-negative safe integer and returns where it ends. */
export function putVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  // Bit operations work on 32 bits, and positive numbers of 31 bits shift fastest.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[at++] = rest & 127 | 128;
  for (; rest > 127; rest >>= 7) bytes[at++] = rest & 127 | 128;
  bytes[at++] = rest;
  return at;
}

/**
 * Writes the length of everything after the first `before` bytes of `out` in front of it.
 * `guessed` bytes have been left free for it; if it needs more or fewer, the body is moved.
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
