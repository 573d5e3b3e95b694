// A file of its own: whoever encodes as JSON alone has no MessagePack in a bundle.
import { any, type AnyValue } from "../../codecs/messagepack.ts";
import { MessagePackReader } from "../../codecs/messagepack/reader.ts";
import { maxObjectsOf } from "../../codecs/object_budget.ts";
import type { Encoding } from "../definition.ts";
import type { ValueEncoding } from "./encodings.ts";

/**
 * Values as MessagePack, with integers as `bigint` beyond 2^53, and bytes as `Uint8Array`, which
 * JSON has not. Properties that are `undefined` are left out, as in JSON.
 */
export const messagePackEncoding: ValueEncoding = {
  // As it is written there: a bundler may not leave out what reads a property.
  encoding: 2 satisfies typeof Encoding.messagePack,
  encode(value, out) {
    if (value !== undefined) any.write(defined(value) as AnyValue, out);
  },
  decode(bytes, start, end) {
    if (start === end) return undefined;
    const reader = new MessagePackReader(maxObjectsOf({}));
    reader.open(bytes, start, end);
    const value = any.read(reader);
    reader.close();
    return value;
  },
};

/** The same value without properties that are `undefined`. */
function defined(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => item === undefined ? null : defined(item));
  const object: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    if (part !== undefined) Object.defineProperty(object, name, own(defined(part)));
  }
  return object;
}

/** So that a property named `__proto__` is one like others. */
function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
