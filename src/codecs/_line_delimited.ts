import { indexOfNeedle } from "@std/bytes";
import type { Codec, Decoder, DecodeResult, Encoder } from "../codec.ts";
import type { EncodeBuffer } from "../streams/encode_buffer.ts";
import { reasonOf } from "../reason.ts";
import { readText, writeText } from "./text.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const NEEDLE = new Uint8Array([LINE_FEED]);

/** How a message is converted to a line of text, without its terminator, and back. */
export interface Line<Inbound, Outbound> {
  /** Returns the text of a message, which must not contain a line feed. */
  format(message: Outbound): string;
  /** Whether the text of a message may begin with that byte; if left out, with any. */
  mayBegin?(byte: number): boolean;
  /** Returns the message in a text. Throws if it is not a message. */
  parse(text: string): Inbound;
}

/** One message per line of UTF-8, terminated by "\n"; inbound also by "\r\n". */
export function lineDelimited<Inbound, Outbound>(
  line: Line<Inbound, Outbound>,
): Codec<Inbound, Outbound> {
  return { encoder: new LineEncoder(line), decoder: new LineDecoder(line) };
}

class LineEncoder<Outbound> implements Encoder<Outbound> {
  readonly #line: Pick<Line<unknown, Outbound>, "format">;

  constructor(line: Pick<Line<unknown, Outbound>, "format">) {
    this.#line = line;
  }

  encode(message: Outbound, out: EncodeBuffer): void {
    writeText(this.#line.format(message), out);
    const at = out.reserve(1);
    out.bytes[at] = LINE_FEED;
    out.offset = at + 1;
  }
}

class LineDecoder<Inbound> implements Decoder<Inbound> {
  readonly #line: Pick<Line<Inbound, unknown>, "parse" | "mayBegin">;
  /** How many bytes of an incomplete line have been searched for its end. */
  #searched = 0;

  constructor(line: Pick<Line<Inbound, unknown>, "parse" | "mayBegin">) {
    this.#line = line;
  }

  decode(bytes: Uint8Array, offset: number): DecodeResult<Inbound> {
    const feed = indexOfNeedle(bytes, NEEDLE, offset + this.#searched);
    if (feed < 0) {
      // Or its end would be waited for.
      if (this.#searched === 0 && this.#line.mayBegin?.(bytes[offset]!) === false) {
        return { kind: "invalid", reason: `no line begins with the byte ${bytes[offset]}` };
      }
      this.#searched = bytes.length - offset;
      return { kind: "incomplete", bytesNeeded: this.#searched + 1 };
    }
    this.#searched = 0;
    const end = feed > offset && bytes[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed;
    try {
      const message = this.#line.parse(readText(bytes, offset, end));
      // A new object each: one that is used again would keep the last message in memory.
      return { kind: "message", message, bytesUsed: feed + 1 - offset };
    } catch (cause) {
      const reason = `a line of ${end - offset} bytes: ${reasonOf(cause)}`;
      return { kind: "invalid", reason, cause };
    }
  }
}
