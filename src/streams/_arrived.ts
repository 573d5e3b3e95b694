/** How many bytes are shown. */
const SHOWN = 24;

/** What the first bytes, one character each, look like. A length is one of less than 16 MiB. */
const LOOKS: readonly (readonly [RegExp, string])[] = [
  // deno-lint-ignore no-control-regex
  [/^\x16\x03[\0-\x04]/, "the beginning of TLS, which one end has not turned on"],
  // deno-lint-ignore no-control-regex
  [/^\x15\x03[\0-\x04]/, "an alert of TLS, which one end has not turned on"],
  [/^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /, "an HTTP request"],
  [/^HTTP\//, "an HTTP response"],
  [/^PRI \* HTTP\/2/, "HTTP/2, such as gRPC's"],
  [/^SSH-/, "SSH"],
  [/^[{[] *(["{[\]}\d-]|$)/, "JSON"],
  [/^\xce\0(?!\0\0\0)[^]{3}/, "MessagePack behind 0xce and a u32, as ./messagepack frames it"],
  [/^\0(?!\0\0\0)[^]{3}/, "a length as a big-endian u32"],
  [/^(?!\0\0)[^]{2}\0\0/, "a length as a little-endian u32"],
];

/** A varint that is more than 1, and the tag of a field from 1 to 15 behind it. */
// deno-lint-ignore no-control-regex
const VARINT = /^(?![\0\x01])(?:[\x80-\xff]{0,2}[\0-\x7f]|[\x80-\xff]{3}[\0-\x07])([\x08-\x7f])/;

/**
 * Says what has arrived in the place of a first message, for whoever has the wrong port or
 * another codec at the other end: the first bytes, and what they look like.
 */
export function describeArrived(bytes: Uint8Array): string {
  const first = bytes.subarray(0, SHOWN);
  const hex = Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = String.fromCharCode(...first);
  const looks = LOOKS.find(([like]) => like.test(text))?.[1] ?? lookOfVarint(text);
  const more = bytes.length > SHOWN ? " …" : "";
  // Nothing that a terminal or a log would act on.
  const printed = text.replace(/[^ -~]/g, ".");
  return `the first bytes are ${hex}${more} ("${printed}")${
    looks ? `, which looks like ${looks}` : ""
  }`;
}

/** Whether a message of protobuf, or what there is of it, follows its length. */
function lookOfVarint(text: string): string | undefined {
  const tag = VARINT.exec(text)?.[1]?.charCodeAt(0);
  // Of a type that there is.
  return tag && [0, 1, 2, 5].includes(tag & 7) ? "a length as a varint" : undefined;
}
