/**
 * Messages of raw bytes, each behind its length as an unsigned varint: the framing
 * of the Rust crate `protosocket-prost` and of protobuf's delimited streams.
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
import type { Codec } from "../codec.ts";
import { delimited } from "./_delimited.ts";

/**
 * Makes a codec whose messages are byte arrays. A message that was received is a
 * view of the bytes as they arrived and may be kept; a message that is sent is
 * copied when it is encoded, and must not be changed before.
 */
export function lengthDelimited(): Codec<Uint8Array> {
  return delimited<Uint8Array, Uint8Array>({
    encode: (message, out) => out.write(message),
    decode: (bytes, start, end) => bytes.subarray(start, end),
    size: (message) => message.length,
  });
}
