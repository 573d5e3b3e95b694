import type { EncodeBuffer } from "../streams/encode_buffer.ts";

/** Up to this many characters, ASCII is encoded by hand: calling the platform's encoder costs more. */
export const SHORT = 36;

/** Up to this many bytes, it is decoded by hand. That pays up to 10 on Bun, 40 on Node, 50 on Deno. */
const SHORT_BYTES = 24;

/** Up to this many bytes, ASCII is decoded in one call with the bytes as arguments. */
const SHORTEST = 8;

/** What a decoder that is not strict puts in place of what is not UTF-8. */
const REPLACEMENT = "\uFFFD";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Appends text as UTF-8. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
export function writeText(text: string, out: EncodeBuffer): void {
  if (text.length <= SHORT) {
    const at = out.reserve(text.length);
    if (putAscii(out.bytes, at, text)) {
      out.offset = at + text.length;
      return;
    }
  }
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

/** Puts text where there is room for it, and returns whether it was ASCII and has been put. */
export function putAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return false;
    bytes[at + i] = code;
  }
  return true;
}

/** Decodes UTF-8. Throws a TypeError if the bytes are not UTF-8. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size <= SHORT_BYTES) {
    const short = size <= SHORTEST
      ? readShortest(bytes, start, size)
      : readShort(bytes, start, end);
    if (short !== undefined) return short;
  }
  const encoded = bytes.subarray(start, end);
  // Deno's strict decoder takes three times as long, and nine times for 4 KiB.
  const text = decoder.decode(encoded);
  if (!text.includes(REPLACEMENT)) return text;
  // It has been sent, or stands for what is not UTF-8.
  try {
    return strict.decode(encoded);
  } catch (cause) {
    throw new TypeError("the text is not UTF-8", { cause });
  }
}

const { fromCharCode } = String;

/** Written out, which takes two thirds of the time of a call with an array of arguments. */
function readShortest(bytes: Uint8Array, at: number, size: number): string | undefined {
  if (size === 0) return "";
  const a = bytes[at]!;
  if (size === 1) return a > 127 ? undefined : fromCharCode(a);
  const b = bytes[at + 1]!;
  if (size === 2) return (a | b) > 127 ? undefined : fromCharCode(a, b);
  const c = bytes[at + 2]!;
  if (size === 3) return (a | b | c) > 127 ? undefined : fromCharCode(a, b, c);
  const d = bytes[at + 3]!;
  if ((a | b | c | d) > 127) return undefined;
  if (size === 4) return fromCharCode(a, b, c, d);
  const e = bytes[at + 4]!;
  if (size === 5) return e > 127 ? undefined : fromCharCode(a, b, c, d, e);
  const f = bytes[at + 5]!;
  if (size === 6) return (e | f) > 127 ? undefined : fromCharCode(a, b, c, d, e, f);
  const g = bytes[at + 6]!;
  if (size === 7) return (e | f | g) > 127 ? undefined : fromCharCode(a, b, c, d, e, f, g);
  const h = bytes[at + 7]!;
  return (e | f | g | h) > 127 ? undefined : fromCharCode(a, b, c, d, e, f, g, h);
}

/** For each length, an array to pass to `fromCharCode`, used only within a call. */
const CODES = Array.from(
  { length: SHORT_BYTES + 1 },
  (_, length) => new Array<number>(length).fill(0),
);

function readShort(bytes: Uint8Array, start: number, end: number): string | undefined {
  const codes = CODES[end - start]!;
  for (let i = 0; i < codes.length; i++) {
    const byte = bytes[start + i]!;
    if (byte > 127) return undefined;
    codes[i] = byte;
  }
  return String.fromCharCode.apply(null, codes);
}
