/**
 * Length-prefixed messages of raw bytes. The length is an unsigned varint, which is the
 * framing of the Rust crate `protosocket-prost` and of protobuf's delimited streams, or
 * four bytes, as in many other protocols.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const [here] = duplexPair();
 * const connection = new Connection(here, {
 *   codec: lengthDelimited(),
 *   reactor: () => ({ onInboundMessage: (bytes) => console.log(bytes.length) }),
 * });
 * connection.abort();
 * ```
 *
 * @module
 */
import { checkBytes, checkOptions } from "../check.ts";
import type { Codec } from "../codec.ts";
import { type Body, delimited } from "./delimited.ts";
import { u32Delimited } from "./_u32_delimited.ts";

/** Options of {@linkcode lengthDelimited}. */
export interface LengthDelimitedOptions {
  /**
   * How the length of each message is written before it: as an unsigned varint of one to
   * ten bytes, or as four bytes in big-endian or little-endian order. The length is in
   * bytes and does not include the prefix.
   *
   * @default {"varint"}
   */
  readonly prefix?: "varint" | "u32be" | "u32le";
}

/**
 * Makes a codec whose messages are byte arrays. An inbound message is a view of the bytes
 * as they arrived and may be kept. An outbound message is copied when it is encoded, and
 * must not be changed before that. Encoding throws a `TypeError` for one that is no `Uint8Array`.
 *
 * A message whose prefix and announced length exceed the connection's `maxBufferLength` ends
 * the connection with `message-too-large` before the message itself has arrived. Throws a
 * `RangeError` for an unknown `prefix`.
 */
export function lengthDelimited(options: LengthDelimitedOptions = {}): Codec<Uint8Array> {
  checkOptions("options", options);
  const { prefix = "varint" } = options;
  switch (prefix) {
    case "varint":
      return delimited(raw);
    case "u32be":
    case "u32le":
      return u32Delimited(raw, { littleEndian: prefix === "u32le" });
    default:
      throw new RangeError(`prefix must be "varint", "u32be" or "u32le", not ${prefix}`);
  }
}

const raw: Body<Uint8Array, Uint8Array> = {
  encode(message, out) {
    // A text, say, has a length, and would be sent as so many zeros.
    checkBytes("A message", message);
    out.write(message);
  },
  decode: (bytes, start, end) => bytes.subarray(start, end),
  size: (message) => message?.length ?? 0, // of what is none, `encode` says so
};
