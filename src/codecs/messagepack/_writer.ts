// Writes the forms of MessagePack (github.com/msgpack/msgpack, spec.md), always the shortest
// that holds the value, as `rmp_serde` does.
import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import { writeText } from "../text.ts";

/** Writes nil. */
export function writeNil(out: EncodeBuffer): void {
  writeByte(0xc0, out);
}

/** Writes a boolean. */
export function writeBoolean(value: boolean, out: EncodeBuffer): void {
  writeByte(value ? 0xc3 : 0xc2, out);
}

export function writeByte(byte: number, out: EncodeBuffer): void {
  const at = out.reserve(1);
  out.bytes[at] = byte;
  out.offset = at + 1;
}

/** Writes a safe integer, or a bigint of at most 64 bits, in the shortest form. */
export function writeInteger(value: number | bigint, out: EncodeBuffer): void {
  if (typeof value === "bigint") writeBigint(value, out);
  else if (value >= 0) writeUnsigned(value, out);
  else writeNegative(value, out);
}

function writeUnsigned(value: number, out: EncodeBuffer): void {
  if (value < 0x80) return writeByte(value, out);
  const at = out.reserve(9);
  if (value <= 0xff) {
    out.bytes[at] = 0xcc;
    out.bytes[at + 1] = value;
    out.offset = at + 2;
  } else if (value <= 0xffff) {
    out.bytes[at] = 0xcd;
    out.view.setUint16(at + 1, value);
    out.offset = at + 3;
  } else if (value <= 0xffffffff) {
    out.bytes[at] = 0xce;
    out.view.setUint32(at + 1, value);
    out.offset = at + 5;
  } else {
    out.bytes[at] = 0xcf;
    out.view.setUint32(at + 1, value / 2 ** 32);
    out.view.setUint32(at + 5, value);
    out.offset = at + 9;
  }
}

function writeNegative(value: number, out: EncodeBuffer): void {
  if (value >= -0x20) return writeByte(value, out);
  const at = out.reserve(9);
  if (value >= -0x80) {
    out.bytes[at] = 0xd0;
    out.bytes[at + 1] = value;
    out.offset = at + 2;
  } else if (value >= -0x8000) {
    out.bytes[at] = 0xd1;
    out.view.setInt16(at + 1, value);
    out.offset = at + 3;
  } else if (value >= -0x80000000) {
    out.bytes[at] = 0xd2;
    out.view.setInt32(at + 1, value);
    out.offset = at + 5;
  } else {
    out.bytes[at] = 0xd3;
    out.view.setInt32(at + 1, Math.floor(value / 2 ** 32));
    out.view.setUint32(at + 5, value);
    out.offset = at + 9;
  }
}

function writeBigint(value: bigint, out: EncodeBuffer): void {
  const plain = Number(value);
  if (Number.isSafeInteger(plain)) return writeInteger(plain, out);
  const at = out.reserve(9);
  out.bytes[at] = value < 0n ? 0xd3 : 0xcf;
  out.view.setBigUint64(at + 1, BigInt.asUintN(64, value));
  out.offset = at + 9;
}

/** Writes a float of four bytes. */
export function writeF32(value: number, out: EncodeBuffer): void {
  const at = out.reserve(5);
  out.bytes[at] = 0xca;
  out.view.setFloat32(at + 1, value);
  out.offset = at + 5;
}

/** Writes a float of eight bytes. */
export function writeF64(value: number, out: EncodeBuffer): void {
  const at = out.reserve(9);
  out.bytes[at] = 0xcb;
  out.view.setFloat64(at + 1, value);
  out.offset = at + 9;
}

/** Writes a string. A lone surrogate becomes U+FFFD. */
export function writeString(text: string, out: EncodeBuffer): void {
  // Leave room for the header that ASCII would need; if it must be longer, move the text.
  const guessed = stringHeader(text.length);
  out.reserve(guessed);
  out.offset += guessed;
  const before = out.length;
  writeText(text, out);
  const size = out.length - before;
  const width = stringHeader(size);
  if (width !== guessed) {
    out.reserve(width - guessed);
    const start = out.offset - size;
    out.bytes.copyWithin(start + width - guessed, start, out.offset);
    out.offset += width - guessed;
  }
  const at = out.offset - size - width;
  if (size < 0x20) out.bytes[at] = 0xa0 | size;
  else putLength(out.view, at, 0xd9, size);
}

function stringHeader(size: number): number {
  return size < 0x20 ? 1 : size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
}

/** Writes bytes. */
export function writeBytes(bytes: Uint8Array, out: EncodeBuffer): void {
  const at = out.reserve(5);
  out.offset = at + putLength(out.view, at, 0xc4, bytes.length);
  out.write(bytes);
}

/** Writes an extension: its type, from -128 to 127, and its bytes. */
export function writeExtension(type: number, data: Uint8Array, out: EncodeBuffer): void {
  const at = out.reserve(6);
  const fixed = [1, 2, 4, 8, 16].indexOf(data.length);
  if (fixed >= 0) out.bytes[at] = 0xd4 + fixed;
  const end = fixed >= 0 ? at + 1 : at + putLength(out.view, at, 0xc7, data.length);
  out.view.setInt8(end, type);
  out.offset = end + 1;
  out.write(data);
}

/** Writes the header of an array: so many values have to follow. */
export function writeArray(length: number, out: EncodeBuffer): void {
  if (length < 0x10) return writeByte(0x90 | length, out);
  const at = out.reserve(5);
  out.offset = at + putLongLength(out.view, at, 0xdc, length);
}

/** Writes the header of a map: so many keys have to follow, each with its value. */
export function writeMap(length: number, out: EncodeBuffer): void {
  if (length < 0x10) return writeByte(0x80 | length, out);
  const at = out.reserve(5);
  out.offset = at + putLongLength(out.view, at, 0xde, length);
}

/** Writes a length of 8, 16 or 32 bits, whose forms are consecutive; returns the width. */
function putLength(view: DataView, at: number, form8: number, length: number): number {
  if (length > 0xff) return putLongLength(view, at, form8 + 1, length);
  view.setUint8(at, form8);
  view.setUint8(at + 1, length);
  return 2;
}

/** The same, without the 8-bit form. */
function putLongLength(view: DataView, at: number, form16: number, length: number): number {
  if (length > 0xffff) {
    view.setUint8(at, form16 + 1);
    view.setUint32(at + 1, length);
    return 5;
  }
  view.setUint8(at, form16);
  view.setUint16(at + 1, length);
  return 3;
}
