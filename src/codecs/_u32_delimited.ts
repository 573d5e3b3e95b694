import type { Codec, Decoder, DecodeResult, Encoder } from "../codec.ts";
import type { EncodeBuffer } from "../streams/encode_buffer.ts";
import type { Body } from "./delimited.ts";
import { reasonOf } from "../reason.ts";

/** The prefix of each body. */
export interface U32Prefix {
  /** A fixed byte before the length, if there is one. */
  readonly tag?: number;
  /** The byte order of the length. */
  readonly littleEndian: boolean;
}

const MAX_U32 = 2 ** 32 - 1;

/** Bodies prefixed with their length in bytes, as four bytes. */
export function u32Delimited<Inbound, Outbound>(
  body: Body<Inbound, Outbound>,
  prefix: U32Prefix,
): Codec<Inbound, Outbound> {
  return {
    encoder: new U32DelimitedEncoder(body, prefix),
    decoder: new U32DelimitedDecoder(body, prefix),
  };
}

class U32DelimitedEncoder<Outbound> implements Encoder<Outbound> {
  readonly #body: Pick<Body<unknown, Outbound>, "encode">;
  readonly #tag: number | undefined;
  readonly #littleEndian: boolean;

  constructor(body: Pick<Body<unknown, Outbound>, "encode">, prefix: U32Prefix) {
    this.#body = body;
    this.#tag = prefix.tag;
    this.#littleEndian = prefix.littleEndian;
  }

  encode(message: Outbound, out: EncodeBuffer): void {
    out.reserve(5);
    if (this.#tag !== undefined) out.bytes[out.offset++] = this.#tag;
    out.offset += 4;
    const before = out.length;
    this.#body.encode(message, out);
    const size = out.length - before;
    if (size > MAX_U32) throw new RangeError(`Cannot encode a body of ${size} bytes: over 4 GiB`);
    // The reserved bytes may have moved meanwhile.
    out.view.setUint32(out.locate(before - 4), size, this.#littleEndian);
  }
}

class U32DelimitedDecoder<Inbound> implements Decoder<Inbound> {
  readonly #body: Pick<Body<Inbound, unknown>, "decode">;
  readonly #tag: number | undefined;
  readonly #littleEndian: boolean;

  constructor(body: Pick<Body<Inbound, unknown>, "decode">, prefix: U32Prefix) {
    this.#body = body;
    this.#tag = prefix.tag;
    this.#littleEndian = prefix.littleEndian;
  }

  decode(bytes: Uint8Array, offset: number): DecodeResult<Inbound> {
    let at = offset;
    if (this.#tag !== undefined && bytes[at++] !== this.#tag) {
      return {
        kind: "invalid",
        reason: `it begins with ${hex(bytes[offset]!)}, not ${hex(this.#tag)}`,
      };
    }
    const start = at + 4;
    if (start > bytes.length) return { kind: "incomplete", bytesNeeded: start - offset };
    const size = readU32(bytes, at, this.#littleEndian);
    const end = start + size;
    if (end > bytes.length) return { kind: "incomplete", bytesNeeded: end - offset };
    try {
      const message = this.#body.decode(bytes, start, end);
      // A new object each: one that is used again would keep the last message in memory.
      return { kind: "message", message, bytesUsed: end - offset };
    } catch (cause) {
      return {
        kind: "invalid",
        reason: `a body of ${size} bytes does not parse: ${reasonOf(cause)}`,
        cause,
      };
    }
  }
}

/** Reads by hand, since a DataView for each chunk would cost more. */
function readU32(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  const a = bytes[at]!;
  const b = bytes[at + 1]!;
  const c = bytes[at + 2]!;
  const d = bytes[at + 3]!;
  return (littleEndian ? d << 24 | c << 16 | b << 8 | a : a << 24 | b << 16 | c << 8 | d) >>> 0;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
