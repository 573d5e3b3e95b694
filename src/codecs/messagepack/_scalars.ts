import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import { type Schema, unfit } from "./_schema.ts";
import {
  writeBoolean,
  writeBytes,
  writeF32,
  writeF64,
  writeInteger,
  writeString,
} from "./_writer.ts";

/** Rust's `bool`. */
export const bool: Schema<boolean> = {
  name: "a boolean",
  write(value, out) {
    if (typeof value !== "boolean") throw unfit(bool.name, value);
    writeBoolean(value, out);
  },
  read(input) {
    const value = input.boolean();
    if (value === undefined) throw input.unexpected(bool.name);
    return value;
  },
};

/** Rust's `u8`. */
export const u8: Schema<number> = /* @__PURE__ */ integer("u8", 0, 0xff);
/** Rust's `u16`. */
export const u16: Schema<number> = /* @__PURE__ */ integer("u16", 0, 0xffff);
/** Rust's `u32`. */
export const u32: Schema<number> = /* @__PURE__ */ integer("u32", 0, 0xffffffff);
/** Rust's `i8`. */
export const i8: Schema<number> = /* @__PURE__ */ integer("i8", -0x80, 0x7f);
/** Rust's `i16`. */
export const i16: Schema<number> = /* @__PURE__ */ integer("i16", -0x8000, 0x7fff);
/** Rust's `i32`. */
export const i32: Schema<number> = /* @__PURE__ */ integer("i32", -0x80000000, 0x7fffffff);

/**
 * Rust's `u64`. It is decoded as a number up to 2^53 - 1, where that is exact, and as a
 * bigint beyond; either can be encoded, in the shortest form.
 */
export const u64: Schema<number | bigint> = /* @__PURE__ */ wideInteger(
  "u64",
  0n,
  0xffffffffffffffffn,
);
/** Rust's `i64`; numbers and bigints as for {@linkcode u64}. */
export const i64: Schema<number | bigint> = /* @__PURE__ */ wideInteger(
  "i64",
  -0x8000000000000000n,
  0x7fffffffffffffffn,
);

/** Rust's `f32`: a number is rounded to the nearest one when it is encoded. */
export const f32: Schema<number> = /* @__PURE__ */ float("f32", writeF32);
/** Rust's `f64`: any number. */
export const f64: Schema<number> = /* @__PURE__ */ float("f64", writeF64);

/** Rust's `String`. A lone surrogate is encoded as U+FFFD. */
export const string: Schema<string> = {
  name: "a string",
  write(value, out) {
    if (typeof value !== "string") throw unfit(string.name, value);
    writeString(value, out);
  },
  read(input) {
    const value = input.string();
    if (value === undefined) throw input.unexpected(string.name);
    return value;
  },
};

/**
 * Bytes, as encoded by Rust's `serde_bytes` (serde encodes a plain `Vec<u8>` as an array of
 * {@linkcode u8}). Decoding returns a view of the bytes as they arrived, which are never
 * written again. The view keeps its whole chunk in memory: copy what is small and lives long.
 */
export const bytes: Schema<Uint8Array> = {
  name: "bytes",
  write(value, out) {
    if (!(value instanceof Uint8Array)) throw unfit("a Uint8Array", value);
    writeBytes(value, out);
  },
  read(input) {
    const value = input.bytes();
    if (value === undefined) throw input.unexpected(bytes.name);
    return value;
  },
};

function integer(name: string, min: number, max: number): Schema<number> {
  return {
    name,
    write(value, out) {
      if (!Number.isInteger(value) || value < min || value > max) throw unfit(name, value);
      writeInteger(value, out);
    },
    read(input) {
      const value = input.integer();
      if (value === undefined) throw input.unexpected(name);
      if (typeof value === "number" && value >= min && value <= max) return value;
      throw unfit(name, value);
    },
  };
}

function wideInteger(name: string, min: bigint, max: bigint): Schema<number | bigint> {
  const fits = (value: number | bigint) =>
    typeof value === "number" ? value >= 0 || min < 0n : value >= min && value <= max;
  return {
    name,
    write(value, out) {
      if (typeof value !== "bigint" && !Number.isSafeInteger(value) || !fits(value)) {
        throw unfit(`${name} (a bigint beyond 2^53 - 1)`, value);
      }
      writeInteger(value, out);
    },
    read(input) {
      const value = input.integer();
      if (typeof value === "number" && value >= 0) return value;
      if (value === undefined) throw input.unexpected(name);
      if (!fits(value)) throw unfit(name, value);
      return value;
    },
  };
}

function float(name: string, write: (value: number, out: EncodeBuffer) => void): Schema<number> {
  return {
    name,
    write(value, out) {
      if (typeof value !== "number") throw unfit(name, value);
      write(value, out);
    },
    read(input) {
      const value = input.float();
      if (value === undefined) throw input.unexpected(name);
      return value;
    },
  };
}
