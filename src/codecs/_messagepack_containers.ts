import { type Schema, unfit, within } from "./_messagepack_schema.ts";
import { writeArray, writeByte, writeMap } from "./_messagepack_writer.ts";

/** Rust's `Option`: `None` is nil on the wire and `undefined` here. */
export function option<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    name: schema.name,
    write(value, out) {
      if (value === undefined) writeByte(0xc0, out);
      else schema.write(value, out);
    },
    read: (input) => input.nil() ? undefined : schema.read(input),
  };
}

/** Rust's `Vec`, and every other sequence of values of one type. */
export function array<T>(schema: Schema<T>): Schema<T[]> {
  const name = "an array";
  return {
    name,
    write(values, out) {
      if (!Array.isArray(values)) throw unfit(name, values);
      writeArray(values.length, out);
      let i = 0;
      try {
        for (; i < values.length; i++) schema.write(values[i] as T, out);
      } catch (cause) {
        throw within(`[${i}]`, cause);
      }
    },
    read(input) {
      const length = input.array();
      if (length === undefined) throw input.unexpected(name);
      const values: T[] = [];
      try {
        while (values.length < length) values.push(schema.read(input));
      } catch (cause) {
        throw within(`[${values.length}]`, cause);
      }
      return values;
    },
  };
}

/** Rust's `HashMap` and `BTreeMap`. If a key occurs twice, the last value counts. */
export function map<K, V>(keys: Schema<K>, values: Schema<V>): Schema<Map<K, V>> {
  const name = "a map";
  return {
    name,
    write(entries, out) {
      if (!(entries instanceof Map)) throw unfit("a Map", entries);
      writeMap(entries.size, out);
      let i = 0;
      try {
        for (const [key, value] of entries) {
          keys.write(key, out);
          values.write(value, out);
          i++;
        }
      } catch (cause) {
        throw within(`[entry ${i}]`, cause);
      }
    },
    read(input) {
      const size = input.map();
      if (size === undefined) throw input.unexpected(name);
      const entries = new Map<K, V>();
      let i = 0;
      try {
        for (; i < size; i++) entries.set(keys.read(input), values.read(input));
      } catch (cause) {
        throw within(`[entry ${i}]`, cause);
      }
      return entries;
    },
  };
}
