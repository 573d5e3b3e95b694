import { type Codec, type Decoder, type DecodeResult, DecoderStream } from "../../mod.ts";
import { outcome, soon } from "./within.ts";

/** The first byte of a frame of {@linkcode frames}: up to here it is a length. */
export const MAX_FRAME = 99;
/** The first byte of a frame to be skipped; the second tells how many bytes that is, with both. */
export const SKIP = 200;
/** A first byte that begins nothing. */
export const INVALID = 255;

/** How often a decoder was asked, and what it was shown. */
export interface Asked {
  calls: number;
  /** How many bytes it was shown, for each call. */
  readonly shown: number[];
}

/**
 * A framing that gives all the answers a decoder can give: a byte of length and then
 * the body, or {@linkcode SKIP}, or {@linkcode INVALID}. A message is its body.
 */
export function frames(asked: Asked = { calls: 0, shown: [] }): Decoder<number[]> {
  return {
    decode(bytes, offset): DecodeResult<number[]> {
      asked.calls++;
      asked.shown.push(bytes.length - offset);
      const first = bytes[offset]!;
      if (first === SKIP) {
        if (bytes.length - offset < 2) return { kind: "incomplete", bytesNeeded: 2 };
        return { kind: "skip", distance: bytes[offset + 1]! };
      }
      if (first > MAX_FRAME) return { kind: "invalid", reason: `nothing begins with ${first}` };
      const end = offset + 1 + first;
      if (end > bytes.length) return { kind: "incomplete", bytesNeeded: 1 + first };
      const message = [...bytes.subarray(offset + 1, end)];
      return { kind: "message", message, bytesUsed: 1 + first };
    },
  };
}

/** {@linkcode frames} both ways. A body that is longer than a frame cannot be encoded. */
export function framesCodec(): Codec<number[]> {
  return {
    decoder: frames(),
    encoder: {
      encode(message, out) {
        out.write(new Uint8Array([message.length, ...message.slice(0, 2)]));
        if (message.length > MAX_FRAME) throw new RangeError(`${message.length} bytes do not fit`);
        out.write(new Uint8Array(message.slice(2)));
      },
    },
  };
}

/** A decoder that gives one answer, whatever it is shown. */
export function always<Message>(result: DecodeResult<Message>): Decoder<Message> {
  return { decode: () => result };
}

/** What came of some chunks. */
export interface Decoded<Message> {
  readonly batches: Message[][];
  /** What the stream ended with, if not in order. */
  readonly error?: unknown;
}

/** Sends chunks and then the end through a {@linkcode DecoderStream}. */
export async function decode<Message>(
  decoder: Decoder<Message>,
  chunks: Iterable<Uint8Array>,
  maxBufferLength?: number,
): Promise<Decoded<Message>> {
  const stream = new DecoderStream(decoder, { maxBufferLength });
  const writer = stream.writable.getWriter();
  const written = outcome((async () => {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  })());
  const reader = stream.readable.getReader();
  const batches: Message[][] = [];
  for (;;) {
    const read = await soon(outcome(reader.read()), "a batch");
    if (read.kind === "error") {
      const { kind, ...rest } = await soon(written, "the writes");
      if (kind === "error" && Object.values(rest)[0] !== read.error) {
        throw new Error("the two sides of the stream tell different errors");
      }
      return { batches, error: read.error };
    }
    if (read.value.done) return { batches };
    batches.push(read.value.value);
  }
}
