import { type Infer, type Schema, unfit, within } from "./_messagepack_schema.ts";
import { writeArray, writeMap, writeString } from "./_messagepack_writer.ts";

/** The fields of a struct, in the same order as in Rust. */
export type Fields = Readonly<Record<string, Schema<unknown>>>;

/** The type of a struct's values: an object, in which options may be left out. */
export type StructOf<F extends Fields> =
  & { -readonly [K in keyof F as undefined extends Infer<F[K]> ? never : K]: Infer<F[K]> }
  & { -readonly [K in keyof F as undefined extends Infer<F[K]> ? K : never]?: Infer<F[K]> } extends
  infer T ? { [K in keyof T]: T[K] } : never;

/**
 * Rust's struct: an array of exactly its fields, in order. Names are not on the wire, so
 * name the fields as is usual in TypeScript. A tuple, or a tuple struct with several fields,
 * is encoded the same way, with names of your choice.
 *
 * Throws a `TypeError` for a field name that every object has (`constructor`, `__proto__`),
 * or that is an integer index, which JavaScript would move to the front.
 */
export function struct<F extends Fields>(name: string, fields: F): Schema<StructOf<F>> {
  const names = Object.keys(fields);
  const schemas = Object.values(fields);
  const expected = `an array of ${names.length} (${name})`;
  for (const field of names) {
    if (field in Object.prototype || /^\d+$/.test(field)) {
      throw new TypeError(`Cannot make a field called ${field} in ${name}: give it another name`);
    }
  }
  const schema: Schema<Record<string, unknown>> = {
    name,
    write(value, out) {
      if (typeof value !== "object" || value === null) throw unfit(name, value);
      writeArray(names.length, out);
      let i = 0;
      try {
        for (; i < names.length; i++) schemas[i]!.write(value[names[i]!], out);
      } catch (cause) {
        throw within(`.${names[i]}`, cause);
      }
    },
    read(input) {
      const length = input.array();
      if (length === undefined) throw input.unexpected(expected);
      if (length !== names.length) {
        throw new TypeError(`expected ${expected}, got an array of ${length}`);
      }
      const value: Record<string, unknown> = {};
      let i = 0;
      try {
        input.enter();
        for (; i < length; i++) value[names[i]!] = schemas[i]!.read(input);
      } catch (cause) {
        throw within(`.${names[i]}`, cause);
      }
      input.leave();
      return value;
    },
  };
  return schema as Schema<StructOf<F>>;
}

/** Marks a variant without a value in {@linkcode variants}. */
export const unit: unique symbol = Symbol("unit");

/** The variants of an enum by their names in Rust: the schema of the value, or `unit`. */
export type Variants = Readonly<Record<string, Schema<unknown> | typeof unit>>;

/** The type of an enum's values: `"Name"`, or `{ case: "Name", value }`. */
export type VariantOf<V extends Variants> = {
  [K in keyof V & string]: V[K] extends typeof unit ? K
    : { readonly case: K; readonly value: Infer<V[K]> };
}[keyof V & string];

/**
 * Rust's enum. A variant without a value is its name, here and on the wire. A variant with a
 * value is `{ case: name, value }` here, and on the wire a map with one entry from name to
 * value. The value of a variant with several fields is a {@linkcode struct}.
 */
export function variants<V extends Variants>(name: string, cases: V): Schema<VariantOf<V>> {
  const units = new Set<string>();
  const valued = new Map<string, Schema<unknown>>();
  for (const [key, schema] of Object.entries(cases)) {
    if (schema === unit) units.add(key);
    else valued.set(key, schema);
  }
  const forms = [...Array.from(units, quote), ...Array.from(valued.keys(), inMap)];
  const expected = `${name} (${forms.join(" or ")})`;
  const schema: Schema<string | { readonly case: string; readonly value: unknown }> = {
    name,
    write(value, out) {
      if (typeof value === "string") {
        if (!units.has(value)) throw new TypeError(`expected ${expected}, got ${quote(value)}`);
        writeString(value, out);
        return;
      }
      const found = valued.get(value?.case);
      if (found === undefined) throw unfit(expected, value);
      writeMap(1, out);
      writeString(value.case, out);
      try {
        found.write(value.value, out);
      } catch (cause) {
        throw within(`.${value.case}`, cause);
      }
    },
    read(input) {
      const alone = input.string();
      if (alone !== undefined) {
        if (units.has(alone)) return alone;
        throw new TypeError(`expected ${expected}, got ${quote(alone)}`);
      }
      const size = input.map();
      if (size === undefined) throw input.unexpected(expected);
      if (size !== 1) throw new TypeError(`expected ${expected}, got a map of ${size}`);
      const key = input.string();
      if (key === undefined) throw input.unexpected("the name of a variant");
      const found = valued.get(key);
      if (found === undefined) throw new TypeError(`expected ${expected}, got ${inMap(key)}`);
      try {
        input.enter();
        const value = found.read(input);
        input.leave();
        return { case: key, value };
      } catch (cause) {
        throw within(`.${key}`, cause);
      }
    },
  };
  return schema as Schema<VariantOf<V>>;
}

/** Quotes a variant's name, which may come from the peer and be long. */
function quote(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}

function inMap(name: string): string {
  return `{ ${quote(name)}: … }`;
}
