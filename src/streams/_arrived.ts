/** How many bytes are shown. */
const SHOWN = 24;
/** A length up to which a number at the beginning is taken for one: 16 MiB. */
const LIKELY = 2 ** 24;

const HTTP = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /;

/**
 * Says what has arrived in the place of a first message, for whoever has the wrong port or
 * another codec at the other end: the first bytes, and what they look like.
 */
export function describeArrived(bytes: Uint8Array): string {
  const first = bytes.subarray(0, SHOWN);
  const hex = Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  // Nothing that a terminal or a log would act on.
  const text = Array.from(
    first,
    (byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".",
  )
    .join("");
  const more = bytes.length > SHOWN ? " …" : "";
  const guess = guessOf(bytes, text);
  return `the first bytes are ${hex}${more} ("${text}")${guess && `, which looks like ${guess}`}`;
}

function guessOf(bytes: Uint8Array, text: string): string {
  const [a, b, c, d] = [bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!];
  if (a === 0x16 && b === 3 && c <= 4) {
    return "the beginning of TLS, which one end has not turned on";
  }
  if (a === 0x15 && b === 3 && c <= 4) return "an alert of TLS, which one end has not turned on";
  if (HTTP.test(text)) return "an HTTP request";
  if (text.startsWith("HTTP/")) return "an HTTP response";
  if (text.startsWith("PRI * HTTP/2")) return "HTTP/2, such as gRPC's";
  if (text.startsWith("SSH-")) return "SSH";
  if (/^[{[] *(["{[\]}\d-]|$)/.test(text)) return "JSON";
  if (bytes.length >= 5 && a === 0xce && isLength(b, c, d, bytes[4]!)) {
    return "MessagePack behind 0xce and a u32, as ./messagepack frames it";
  }
  if (bytes.length >= 4 && isLength(a, b, c, d)) return "a length as a big-endian u32";
  if (bytes.length >= 4 && c === 0 && isLength(d, c, b, a)) {
    return "a length as a little-endian u32";
  }
  return beginsWithVarint(bytes) ? "a length as a varint" : "";
}

/** Whether four bytes, the highest first, are a length that a message may have. */
function isLength(a: number, b: number, c: number, d: number): boolean {
  const length = a * 2 ** 24 + (b << 16 | c << 8 | d);
  return length > 0 && length < LIKELY;
}

/** Whether a message of protobuf, or what there is of it, follows its length. */
function beginsWithVarint(bytes: Uint8Array): boolean {
  let length = 0;
  let at = 0;
  for (let byte = 128; byte >= 128; at++) {
    if (at === bytes.length || at === 4) return false;
    byte = bytes[at]!;
    length += (byte & 127) * 2 ** (7 * at);
  }
  if (length < 2 || length >= LIKELY || at === bytes.length) return false;
  const tag = bytes[at]!;
  // A field from 1 to 15, of a type that there is.
  return tag >= 8 && tag < 128 && [0, 1, 2, 5].includes(tag & 7);
}
