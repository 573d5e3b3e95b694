import type { EncodeBuffer } from "../../../mod.ts";
import { readText, writeText } from "../../codecs/text.ts";
import type { Encoding } from "../definition.ts";

/** How values of a service in plain TypeScript are encoded. */
export interface ValueEncoding {
  /** What `encoding` is on the wire, one of {@linkcode Encoding}. */
  readonly encoding: number;
  /** Appends a value. Throws if it cannot be encoded. */
  encode(value: unknown, out: EncodeBuffer): void;
  /** Decodes all of `bytes` from `start` to `end`. Throws if that is no value. */
  decode(bytes: Uint8Array, start: number, end: number): unknown;
}

/** Values as JSON. */
export const jsonEncoding: ValueEncoding = {
  // As it is written there: a bundler may not leave out what reads a property.
  encoding: 1 satisfies typeof Encoding.json,
  encode(value, out) {
    const text = JSON.stringify(value);
    // No bytes are no JSON: that is `undefined`.
    if (text !== undefined) writeText(text, out);
  },
  decode: (bytes, start, end) =>
    start === end ? undefined : JSON.parse(readText(bytes, start, end)),
};
