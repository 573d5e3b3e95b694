// A file of its own: whoever encodes as JSON alone has no MessagePack in a bundle.
import { isObject } from "../../check.ts";
import { any, type AnyValue } from "../../codecs/messagepack.ts";
import { MessagePackReader } from "../../codecs/messagepack/reader.ts";
import { maxObjectsOf } from "../../codecs/object_budget.ts";
import type { Encoding } from "../definition.ts";
import type { ValueEncoding } from "./encodings.ts";

/**
 * Values as MessagePack, with integers as `bigint` beyond 2^53, and bytes as `Uint8Array`, which
 * JSON has not. A smaller `bigint` arrives as a number: a schema has to take both, as
 * `z.coerce.bigint()` does. Properties that are `undefined` are left out, as in JSON, and of what
 * has a `toJSON`, such as a `Date`, it is that value.
 */
export const messagePackEncoding: ValueEncoding = {
  // As it is written there: a bundler may not leave out what reads a property.
  encoding: 2 satisfies typeof Encoding.messagePack,
  encode(value, out) {
    const plain = defined(value);
    if (plain !== undefined) any.write(plain as AnyValue, out);
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

/** The same value as JSON would have it: without properties that are `undefined`. */
function defined(value: unknown): unknown {
  if (!isObject(value) || value instanceof Uint8Array) return value;
  const { toJSON } = value;
  return typeof toJSON === "function" ? partsOf(toJSON.call(value)) : partsOf(value);
}

function partsOf(value: unknown): unknown {
  if (!isObject(value) || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return Array.from(value, (item) => defined(item) ?? null);
  const object: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    const plain = defined(part);
    if (plain !== undefined) Object.defineProperty(object, name, own(plain));
  }
  return object;
}

/** So that a property named `__proto__` is one like others. */
function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
