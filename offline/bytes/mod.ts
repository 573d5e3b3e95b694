// `@std/bytes` for machines that JSR is out of reach of: the real std code from
// npm's `deno-std`, with the types that package lacks. Never published.
import { concat as realConcat } from "deno-std/bytes/concat.js";
import { copy as realCopy } from "deno-std/bytes/copy.js";
import { equals as realEquals } from "deno-std/bytes/equals.js";
import { indexOfNeedle as realIndexOfNeedle } from "deno-std/bytes/index_of_needle.js";

export const concat: (buffers: readonly Uint8Array[]) => Uint8Array = realConcat;
export const copy: (source: Uint8Array, destination: Uint8Array, offset?: number) => number =
  realCopy;
export const equals: (a: Uint8Array, b: Uint8Array) => boolean = realEquals;
export const indexOfNeedle: (source: Uint8Array, needle: Uint8Array, start?: number) => number =
  realIndexOfNeedle;
