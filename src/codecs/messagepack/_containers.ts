import { type Missing, type Schema, unfit, within } from "./_schema.ts";
import { writeArray, writeMap, writeNil } from "./_writer.ts";

/** Rust's `Option`: `None` is nil on the wire and `undefined` here. */
export function option<T>(schema: Schema<T>): Schema<T | undefined> & Missing<T | undefined> {
  return {
    name: schema.name,
    missing: () => undefined,
    write(value, out) {
      if (value === undefined) writeNil(out);
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
        input.enter();
        while (values.length < length) values.push(schema.read(input));
      } catch (cause) {
        throw within(`[${values.length}]`, cause);
      }
      input.leave();
      return values;
    },
  };
}

/** Rust's `[T; N]`: an array of exactly so many values. */
export function fixedArray<T>(schema: Schema<T>, length: number): Schema<T[]> {
  const values = array(schema);
  const name = `an array of ${length}`;
  return {
    name,
    write(value, out) {
      if (!Array.isArray(value) || value.length !== length) throw unfit(name, value);
      values.write(value, out);
    },
    read(input) {
      const value = values.read(input);
      if (value.length !== length) throw unfit(name, value);
      return value;
    },
  };
}

/**
 * A schema that is not known yet, for types that contain themselves. Values may be 100 levels
 * deep, so a longer list is better written as an {@linkcode array}.
 *
 * @example A tree
 * ```ts
 * import { array, lazy, type Schema, string, struct } from "@protosocket/protosocket/messagepack";
 *
 * interface Tree {
 *   name: string;
 *   children: Tree[];
 * }
 * export const tree: Schema<Tree> = struct("Tree", {
 *   name: string,
 *   children: array(lazy(() => tree)),
 * });
 * ```
 */
export function lazy<T>(schema: () => Schema<T>): Schema<T> {
  return {
    get name() {
      return schema().name;
    },
    write: (value, out) => schema().write(value, out),
    read: (input) => schema().read(input),
  };
}

/** Options of {@linkcode map}. */
export interface MapOptions {
  /**
   * How many keys that are numbers or bigints an inbound map may have. JavaScript engines hash
   * numbers without a secret, so a peer can choose numbers that all collide, and the time that
   * a `Map` takes then grows with their square. Raise it for peers that are trusted, or use
   * {@linkcode entries}. Other keys are not limited: texts are hashed with a secret.
   *
   * @default {1024}
   */
  readonly maxNumericKeys?: number;
}

/** Where collisions cost no more than some milliseconds. */
const MAX_NUMERIC_KEYS = 1024;

/**
 * Rust's `HashMap` and `BTreeMap`. If a key occurs twice, the last value counts. An inbound map
 * with more than {@linkcode MapOptions.maxNumericKeys} keys that are numbers is invalid.
 */
export function map<K, V>(
  keys: Schema<K>,
  values: Schema<V>,
  options: MapOptions = {},
): Schema<Map<K, V>> {
  const name = "a map";
  const { maxNumericKeys = MAX_NUMERIC_KEYS } = options;
  if (!(maxNumericKeys >= 0)) {
    throw new RangeError(`maxNumericKeys must be 0 or more, not ${maxNumericKeys}`);
  }
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
      let numeric = 0;
      let i = 0;
      try {
        input.enter();
        for (; i < size; i++) {
          const key = keys.read(input);
          const isNumeric = typeof key === "number" || typeof key === "bigint";
          if (isNumeric && ++numeric > maxNumericKeys) {
            throw new RangeError(
              `a map has more than ${maxNumericKeys} numbers as keys (maxNumericKeys)`,
            );
          }
          entries.set(key, values.read(input));
        }
      } catch (cause) {
        throw within(`[entry ${i}]`, cause);
      }
      input.leave();
      return entries;
    },
  };
}

/**
 * Rust's `HashMap` and `BTreeMap` as an array of pairs, in the order in which they arrive: for
 * maps with many numbers as keys (see {@linkcode MapOptions.maxNumericKeys}), and wherever the
 * order counts. A key that occurs twice is there twice.
 */
export function entries<K, V>(keys: Schema<K>, values: Schema<V>): Schema<[K, V][]> {
  const name = "a map";
  return {
    name,
    write(pairs, out) {
      if (!Array.isArray(pairs)) throw unfit("an array of pairs", pairs);
      writeMap(pairs.length, out);
      let i = 0;
      try {
        for (; i < pairs.length; i++) {
          const pair = pairs[i];
          if (!Array.isArray(pair)) throw unfit("a pair", pair);
          keys.write(pair[0], out);
          values.write(pair[1], out);
        }
      } catch (cause) {
        throw within(`[entry ${i}]`, cause);
      }
    },
    read(input) {
      const size = input.map();
      if (size === undefined) throw input.unexpected(name);
      const pairs: [K, V][] = [];
      try {
        input.enter();
        while (pairs.length < size) pairs.push([keys.read(input), values.read(input)]);
      } catch (cause) {
        throw within(`[entry ${pairs.length}]`, cause);
      }
      input.leave();
      return pairs;
    },
  };
}
