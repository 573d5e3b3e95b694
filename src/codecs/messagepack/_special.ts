// Types of Rust that are not integers, floats, text, sequences, structs or enums.
import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import type { Extension, MessagePackReader } from "./reader.ts";
import { type Schema, unfit, within } from "./_schema.ts";
import {
  writeArray,
  writeBoolean,
  writeBytes,
  writeExtension,
  writeF64,
  writeInteger,
  writeMap,
  writeNil,
  writeString,
} from "./_writer.ts";

/** Rust's `()`, which is nil: the `Ok` of a `Result<(), E>`. */
export const nil: Schema<undefined> = {
  name: "nil",
  write(value, out) {
    if (value !== undefined) throw unfit("undefined", value);
    writeNil(out);
  },
  read(input) {
    if (!input.nil()) throw input.unexpected(nil.name);
    return undefined;
  },
};

/** Rust's `char`: text that is one code point. */
export const char: Schema<string> = {
  name: "a char",
  write(value, out) {
    if (typeof value !== "string" || !isChar(value)) throw unfit(char.name, value);
    writeString(value, out);
  },
  read(input) {
    const value = input.string();
    if (value === undefined) throw input.unexpected(char.name);
    if (!isChar(value)) throw new TypeError(`expected a char, got a string of ${value.length}`);
    return value;
  },
};

/** Whether a text is one code point that is not half of a surrogate pair. */
function isChar(text: string): boolean {
  const code = text.codePointAt(0);
  if (code === undefined || code >= 0xd800 && code < 0xe000) return false;
  return text.length === (code > 0xffff ? 2 : 1);
}

/** Rust's `u128`: sixteen bytes, the highest first. */
export const u128: Schema<bigint> = /* @__PURE__ */ wide(
  "u128",
  0n,
  0xffffffffffffffffffffffffffffffffn,
);
/** Rust's `i128`, as {@linkcode u128}. */
export const i128: Schema<bigint> = /* @__PURE__ */ wide(
  "i128",
  -0x80000000000000000000000000000000n,
  0x7fffffffffffffffffffffffffffffffn,
);

function wide(name: string, min: bigint, max: bigint): Schema<bigint> {
  return {
    name,
    write(value, out) {
      if (typeof value !== "bigint" || value < min || value > max) {
        throw unfit(`${name} (a bigint)`, value);
      }
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(0, BigInt.asUintN(64, value >> 64n));
      view.setBigUint64(8, BigInt.asUintN(64, value));
      writeBytes(bytes, out);
    },
    read(input) {
      const bytes = input.bytes();
      if (bytes === undefined) {
        // Rust takes any integer.
        const value = input.integer();
        if (value === undefined) throw input.unexpected(`${name} (16 bytes)`);
        if (value < min) throw unfit(name, value);
        return BigInt(value);
      }
      if (bytes.length !== 16) {
        throw new TypeError(`expected ${name} (16 bytes), got ${bytes.length} bytes`);
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const value = view.getBigUint64(0) << 64n | view.getBigUint64(8);
      return min < 0n ? BigInt.asIntN(128, value) : value;
    },
  };
}

/** MessagePack's extension, as Rust's `rmp_serde` writes a newtype called `_ExtStruct`. */
export const extension: Schema<Extension> = {
  name: "an extension",
  write(value, out) {
    const type = value?.type;
    const isType = Number.isInteger(type) && type >= -128 && type < 128;
    if (!isType || !(value.data instanceof Uint8Array)) {
      throw unfit("an extension (a type from -128 to 127, and data in a Uint8Array)", value);
    }
    writeExtension(type, value.data, out);
  },
  read(input) {
    const value = input.extension();
    if (value === undefined) throw input.unexpected(extension.name);
    return value;
  },
};

/**
 * Rust's `Vec<u8>` and `[u8; N]`, which are an array of numbers on the wire unless they have
 * `serde_bytes` (then use {@linkcode bytes}), as a Uint8Array. Decoding copies them.
 */
export const byteArray: Schema<Uint8Array> = {
  name: "an array of u8",
  write(value, out) {
    if (!(value instanceof Uint8Array)) throw unfit("a Uint8Array", value);
    writeArray(value.length, out);
    let at = out.reserve(value.length * 2);
    const { bytes } = out;
    for (let i = 0; i < value.length; i++) {
      const byte = value[i]!;
      if (byte > 0x7f) bytes[at++] = 0xcc;
      bytes[at++] = byte;
    }
    out.offset = at;
  },
  read(input) {
    const length = input.array();
    if (length === undefined) throw input.unexpected(byteArray.name);
    const value = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const byte = input.integer();
      if (typeof byte !== "number" || byte < 0 || byte > 0xff) {
        throw within(`[${i}]`, byte === undefined ? input.unexpected("u8") : unfit("u8", byte));
      }
      value[i] = byte;
    }
    return value;
  },
};

/** A value of {@linkcode any}. */
export type AnyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | AnyValue[]
  | { [name: string]: AnyValue };

/**
 * Rust's `serde_json::Value`, and other types that take every value: nil is `null`, maps are
 * objects, whose keys have to be strings. A whole number is written as an integer, also if it was
 * a float in Rust; an integer beyond 2^53 - 1 is a bigint. Values may be 100 levels deep. A key
 * `__proto__` becomes an ordinary property; but do not copy properties by assigning them.
 */
export const any: Schema<AnyValue> = {
  name: "a value",
  write: (value, out) => writeAny(value, out, 0),
  read: readAny,
};

function writeAny(value: AnyValue, out: EncodeBuffer, depth: number): void {
  switch (typeof value) {
    case "boolean":
      return writeBoolean(value, out);
    case "number":
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return writeInteger(value, out);
      return writeF64(value, out);
    case "bigint":
      if (value !== BigInt.asIntN(64, value) && value !== BigInt.asUintN(64, value)) break;
      return writeInteger(value, out);
    case "string":
      return writeString(value, out);
    case "object": {
      if (value === null) return writeNil(out);
      if (value instanceof Uint8Array) return writeBytes(value, out);
      if (depth === 100) throw new RangeError("it is more than 100 levels deep");
      if (!Array.isArray(value)) return writeObject(value, out, depth);
      writeArray(value.length, out);
      for (let i = 0; i < value.length; i++) {
        try {
          writeAny(value[i]!, out, depth + 1);
        } catch (cause) {
          throw within(`[${i}]`, cause);
        }
      }
      return;
    }
  }
  throw unfit(any.name, value);
}

function writeObject(value: Record<string, AnyValue>, out: EncodeBuffer, depth: number): void {
  const names = Object.keys(value);
  writeMap(names.length, out);
  for (const name of names) {
    writeString(name, out);
    try {
      writeAny(value[name]!, out, depth + 1);
    } catch (cause) {
      throw within(`[${JSON.stringify(name)}]`, cause);
    }
  }
}

function readAny(input: MessagePackReader): AnyValue {
  if (input.nil()) return null;
  const scalar = input.boolean() ?? input.integer() ?? input.float() ?? input.string() ??
    input.bytes();
  if (scalar !== undefined) return scalar;
  const length = input.array();
  const size = length === undefined ? input.map() : undefined;
  if (length === undefined && size === undefined) throw input.unexpected(any.name);
  input.enter();
  const value = length === undefined ? readObject(input, size!) : readArray(input, length);
  input.leave();
  return value;
}

function readArray(input: MessagePackReader, length: number): AnyValue[] {
  const values: AnyValue[] = [];
  try {
    while (values.length < length) values.push(readAny(input));
  } catch (cause) {
    throw within(`[${values.length}]`, cause);
  }
  return values;
}

function readObject(input: MessagePackReader, size: number): Record<string, AnyValue> {
  const object: Record<string, AnyValue> = {};
  for (let i = 0; i < size; i++) {
    const name = input.string();
    if (name === undefined) throw within(`[entry ${i}]`, input.unexpected("a string as its key"));
    let value: AnyValue;
    try {
      value = readAny(input);
    } catch (cause) {
      throw within(`[${JSON.stringify(name)}]`, cause);
    }
    if (name !== "__proto__") object[name] = value;
    else Object.defineProperty(object, name, { value, ...ORDINARY });
  }
  return object;
}

const ORDINARY = { configurable: true, enumerable: true, writable: true };
