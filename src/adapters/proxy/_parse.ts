import { DEFAULT_MAX_HEADER_BYTES } from "../base/_proxy_options.ts";
import { parseBinary } from "./_binary.ts";
import { parseLine } from "./_line.ts";
import { INCOMPLETE, type ProxyHeaderResult } from "./_result.ts";
import { SIGNATURE } from "./_wire.ts";

/**
 * Reads the PROXY protocol header, of version 1 or 2, at the beginning of `bytes`, which are
 * all that has arrived so far. Keeps nothing between calls, and throws nothing: bytes that
 * cannot become a header are `invalid` as early as possible. A header of more than `maxBytes`
 * is invalid as soon as it announces so.
 *
 * @example
 * ```ts
 * import { parseProxyHeader } from "@protosocket/protosocket/proxy-protocol";
 *
 * const bytes = new TextEncoder().encode("PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\nhello");
 * const result = parseProxyHeader(bytes);
 * if (result.kind === "header") console.log(result.header.source, result.length);
 * ```
 */
export function parseProxyHeader(
  bytes: Uint8Array,
  maxBytes: number = DEFAULT_MAX_HEADER_BYTES,
): ProxyHeaderResult {
  if (bytes.length === 0) return INCOMPLETE;
  return bytes[0] === SIGNATURE[0] ? parseBinary(bytes, maxBytes) : parseLine(bytes);
}
