// Numbers of 64 bits as protobuf has them (protobuf.dev/programming-guides/encoding), by way
// of their bits: to make a plain number of a bigint, or the reverse, costs several times as much.
import { putVarint } from "./_varint.ts";

/** For the bits of numbers, written and read within a call. */
const SCRATCH = new DataView(new ArrayBuffer(8));

/** Puts a number of 64 bits as a varint; of a negative one all ten bytes. */
export function putVarint64(bytes: Uint8Array, at: number, value: bigint): number {
  SCRATCH.setBigInt64(0, value, true);
  const low = SCRATCH.getUint32(0, true);
  const high = SCRATCH.getUint32(4, true);
  return high === 0 ? putVarint(bytes, at, low) : putBits(bytes, at, low, high);
}

/** Puts 64 bits as a varint. */
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

/** Small numbers of either sign as small ones without: 0, -1, 1, -2 as 0, 1, 2, 3. */
export function zigzag64(value: bigint): bigint {
  return value << 1n ^ value >> 63n;
}

/** The two halves of a varint. */
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

  /** Takes back what {@linkcode zigzag64} has done. */
  unzigzag(): void {
    const { low, high } = this;
    const sign = -(low & 1);
    this.low = ((low >>> 1 | high << 31) ^ sign) >>> 0;
    this.high = (high >>> 1 ^ sign) >>> 0;
  }
}

/** The number that two halves are. */
export function int64(low: number, high: number, signed: boolean): bigint {
  SCRATCH.setUint32(0, low, true);
  SCRATCH.setUint32(4, high, true);
  return signed ? SCRATCH.getBigInt64(0, true) : SCRATCH.getBigUint64(0, true);
}

/** The float that four bytes are. */
export function float32(bits: number): number {
  SCRATCH.setUint32(0, bits, true);
  return SCRATCH.getFloat32(0, true);
}

/** The double that eight bytes are. */
export function float64(low: number, high: number): number {
  SCRATCH.setUint32(0, low, true);
  SCRATCH.setUint32(4, high, true);
  return SCRATCH.getFloat64(0, true);
}

/** Reads four bytes, the least significant first, as a number from 0 to 2^32 - 1. */
export function fixed32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}
