import type { EncodeBuffer } from "../encode_buffer.ts";

/**
 * Up to this many characters, ASCII is encoded and decoded by hand: calling the platform's
 * encoder and decoder costs more (20 to 240 ns on Node 20, Deno 2.9, Bun 1.4).
 */
const SHORT = 24;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Appends text as UTF-8. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
export function writeText(text: string, out: EncodeBuffer): void {
  if (text.length <= SHORT && writeShort(text, out)) return;
  // Room for ASCII first: reserving for the worst case would make slabs three times too
  // large.
  for (let read = 0, room = text.length; read < text.length; room = (text.length - read) * 3) {
    const at = out.reserve(room);
    const rest = read === 0 ? text : text.slice(read);
    const done = encoder.encodeInto(rest, out.bytes.subarray(at));
    out.offset = at + done.written;
    read += done.read;
  }
}

function writeShort(text: string, out: EncodeBuffer): boolean {
  const at = out.reserve(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return false;
    out.bytes[at + i] = code;
  }
  out.offset = at + text.length;
  return true;
}

/** Decodes UTF-8. Throws a TypeError if the bytes are not UTF-8. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    const short = readShort(bytes, start, end);
    if (short !== undefined) return short;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new TypeError("the text is not UTF-8", { cause });
  }
}

/** For each length, an array to pass to `fromCharCode`, used only within a call. */
const CODES = Array.from({ length: SHORT + 1 }, (_, length) => new Array<number>(length).fill(0));

function readShort(bytes: Uint8Array, start: number, end: number): string | undefined {
  const codes = CODES[end - start]!;
  for (let i = 0; i < codes.length; i++) {
    const byte = bytes[start + i]!;
    if (byte > 127) return undefined;
    codes[i] = byte;
  }
  return String.fromCharCode.apply(null, codes);
}
