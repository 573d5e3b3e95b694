import type { Codec, Decoder, DecodeResult, Encoder } from "../codec.ts";
import type { EncodeBuffer } from "../streams/encode_buffer.ts";
import { reasonOf } from "../reason.ts";
import { MAX_VARINT, putLength, varintWidth } from "./varint.ts";

/** How the body of a length-prefixed message is encoded and decoded. */
export interface Body<Inbound, Outbound> {
  /** The type of the inbound messages, for errors. */
  readonly name?: string | undefined;
  /** Appends the body to `out`. */
  encode(message: Outbound, out: EncodeBuffer): void;
  /** Decodes the body in `bytes` from `start` to `end`. Throws if it is not a message. */
  decode(bytes: Uint8Array, start: number, end: number): Inbound;
  /**
   * The size of the body in bytes, if that is cheap to tell. A guess will do: if the length
   * prefix turns out wider or narrower than guessed, the body is moved.
   *
   * @default {0}
   */
  size?(message: Outbound): number;
}

/**
 * The framing of `protosocket-prost`: the body's length as an unsigned varint
 * (protobuf.dev/programming-guides/encoding, "Base 128 Varints"), then the body.
 */
export function delimited<Inbound, Outbound>(
  body: Body<Inbound, Outbound>,
): Codec<Inbound, Outbound> {
  return { encoder: new DelimitedEncoder(body), decoder: new DelimitedDecoder(body) };
}

class DelimitedEncoder<Outbound> implements Encoder<Outbound> {
  readonly #body: Pick<Body<unknown, Outbound>, "encode" | "size">;

  constructor(body: Pick<Body<unknown, Outbound>, "encode" | "size">) {
    this.#body = body;
  }

  encode(message: Outbound, out: EncodeBuffer): void {
    // Most bodies are shorter than 128 bytes, so one byte holds their length.
    const guessed = this.#body.size === undefined ? 1 : varintWidth(this.#body.size(message));
    out.reserve(guessed);
    out.offset += guessed;
    const before = out.length;
    this.#body.encode(message, out);
    putLength(out, before, guessed);
  }
}

class DelimitedDecoder<Inbound> implements Decoder<Inbound> {
  readonly #body: Pick<Body<Inbound, unknown>, "decode" | "name">;

  constructor(body: Pick<Body<Inbound, unknown>, "decode" | "name">) {
    this.#body = body;
  }

  decode(bytes: Uint8Array, offset: number): DecodeResult<Inbound> {
    let size = 0;
    let scale = 1;
    let at = offset;
    for (let byte = 128; byte >= 128; scale *= 128) {
      if (at - offset === MAX_VARINT) return OVERLONG;
      if (at === bytes.length) return { kind: "incomplete", bytesNeeded: at - offset + 1 };
      byte = bytes[at++]!;
      // Beyond 53 bits this rounds, but stays far above any limit.
      size += (byte & 127) * scale;
    }
    const end = at + size;
    if (end > bytes.length) return { kind: "incomplete", bytesNeeded: end - offset };
    try {
      // A new object each time: a reused one would keep the last message, and its chunk,
      // in memory for as long as the connection is idle.
      const message = this.#body.decode(bytes, at, end);
      return { kind: "message", message, bytesUsed: end - offset };
    } catch (cause) {
      const name = this.#body.name ?? "body";
      return {
        kind: "invalid",
        reason: `a ${name} of ${size} bytes does not parse: ${reasonOf(cause)}`,
        cause,
      };
    }
  }
}

const OVERLONG: DecodeResult<never> = {
  kind: "invalid",
  reason: `the varint of a length is longer than ${MAX_VARINT} bytes`,
};
