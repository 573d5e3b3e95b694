// 64-bit numbers of protobuf (protobuf.dev/programming-guides/encoding), converted by their
// bits: converting between number and bigint costs several times as much.
import { putVarint } from "./varint.ts";

/** Scratch memory to convert bits, used only within a call. */
const SCRATCH = new DataView(new ArrayBuffer(8));

/** Writes a 64-bit number as a varint; a negative one takes ten bytes. */
export function putVarint64(bytes: Uint8Array, at: number, value: bigint): number {
  SCRATCH.setBigInt64(0, value, true);
  const low = SCRATCH.getUint32(0, true);
  const high = SCRATCH.getUint32(4, true);
  return high === 0 ? putVarint(bytes, at, low) : putBits(bytes, at, low, high);
}

/** Writes 64 bits as a varint. */
export function putBits(bytes: Uint8Array, offset: number, low: number, high: number): number {
  let at = offset;
  let lo = low >>> 0;
  let hi = high >>> 0;
  for (; hi > 0 || lo > 127; hi >>>= 7) {
    bytes[at++] = lo & 127 | 128;
    lo = (lo >>> 7 | hi << 25) >>> 0;
  }
  bytes[at++] = lo;
  return at;
}

/** ZigZag: maps small numbers of either sign to small unsigned ones: 0, -1, 1, -2 to 0, 1, 2, 3. */
export function zigzag64(value: bigint): bigint {
  return value << 1n ^ value >> 63n;
}

/** A varint, as two 32-bit halves. */
export class Varint64 {
  low = 0;
  high = 0;

  /** Reads a varint at `offset`, and returns where it ends; 0 if it has more than ten bytes. */
  read(bytes: Uint8Array, offset: number): number {
    let at = offset;
    let byte = bytes[at++]!;
    let low = byte & 127;
    let high = 0;
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[at++]!;
      low |= (byte & 127) << shift;
    }
    if (byte > 127) {
      byte = bytes[at++]!;
      low |= byte << 28;
      high = byte >> 4 & 7;
      for (let shift = 3; byte > 127 && shift < 32; shift += 7) {
        byte = bytes[at++]!;
        high |= (byte & 127) << shift;
      }
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
    return byte > 127 ? 0 : at;
  }

  /** Reverses {@linkcode zigzag64}. */
  unzigzag(): void {
    const { low, high } = this;
    const sign = -(low & 1);
    this.low = ((low >>> 1 | high << 31) ^ sign) >>> 0;
    this.high = (high >>> 1 ^ sign) >>> 0;
  }
}

/** Makes a bigint from two halves. */
export function int64(low: number, high: number, signed: boolean): bigint {
  SCRATCH.setUint32(0, low, true);
  SCRATCH.setUint32(4, high, true);
  return signed ? SCRATCH.getBigInt64(0, true) : SCRATCH.getBigUint64(0, true);
}

/** Makes a float from 32 bits. */
export function float32(bits: number): number {
  SCRATCH.setUint32(0, bits, true);
  return SCRATCH.getFloat32(0, true);
}

/** Makes a double from two halves. */
export function float64(low: number, high: number): number {
  SCRATCH.setUint32(0, low, true);
  SCRATCH.setUint32(4, high, true);
  return SCRATCH.getFloat64(0, true);
}

/** Reads four little-endian bytes as a number from 0 to 2^32 - 1. */
export function fixed32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}
