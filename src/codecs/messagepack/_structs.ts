import { type OptionalField, StructFields } from "./_fields.ts";
import { type Infer, type Schema, unfit } from "./_schema.ts";
import { writeArray, writeMap, writeNil } from "./_writer.ts";

import type { Compile } from "./_struct_reader.ts";

export type { Compile } from "./_struct_reader.ts";
export type { OptionalField } from "./_fields.ts";

/** The fields of a struct, in the same order as in Rust. */
export type Fields = Readonly<Record<string, Schema<unknown>>>;

/** The type of a struct's values: an object, in which options may be left out. */
export type StructOf<F extends Fields> =
  & { -readonly [K in keyof F as undefined extends Infer<F[K]> ? never : K]: Infer<F[K]> }
  & { -readonly [K in keyof F as undefined extends Infer<F[K]> ? K : never]?: Infer<F[K]> } extends
  infer T ? { [K in keyof T]: T[K] } : never;

/** The schema of a struct. */
export interface StructSchema<T> extends Schema<T> {
  /** Its fields, for the enums that mix theirs in; of a type of this module's own. */
  readonly fields: object;
  /** Whether they have names on the wire. */
  readonly named: boolean;
}

/** Options of {@linkcode struct}. */
export interface StructOptions {
  /**
   * Whether an inbound array may have further values after the fields, as of a newer peer with
   * more of them; they are dropped. Rust refuses them.
   *
   * @default {false}
   */
  readonly allowMore?: boolean;
  /**
   * `Function`, with which the code that reads the fields is made from their names when the
   * schema is: it decodes two to three times as fast. It throws where code from strings is not
   * allowed, as on Cloudflare Workers and on pages with a content security policy. The names
   * are quoted, and nothing of a peer's is part of it.
   *
   * @default {undefined} no code is made from strings
   */
  readonly compile?: Compile;
}

/**
 * Rust's struct: an array of exactly its fields, in order. Names are not on the wire, so
 * name the fields as is usual in TypeScript. A tuple, or a tuple struct with several fields,
 * is encoded the same way, with names of your choice; a unit struct has no fields.
 *
 * Fields at the end may be {@linkcode optional} or {@linkcode defaulted}: then the array may
 * be shorter.
 *
 * Throws a `TypeError` for a field name that every object has (`constructor`, `__proto__`),
 * or that is an integer index, which JavaScript would move to the front.
 */
export function struct<F extends Fields>(
  name: string,
  fields: F,
  options: StructOptions = {},
): StructSchema<StructOf<F>> {
  checkNames(name, fields);
  const all = new StructFields(fields, {}, options.compile);
  const { count, least } = all;
  const most = options.allowMore ? Infinity : count;
  const expected = `an array of ${range(least, most)} (${name})`;
  const schema: StructSchema<Record<string, unknown>> = {
    name,
    named: false,
    fields: all,
    write(value, out) {
      if (typeof value !== "object" || value === null) throw unfit(name, value);
      const length = least === count ? count : all.countOf(value);
      writeArray(length, out);
      all.writeValues(value, length, out);
    },
    read(input) {
      const length = input.array();
      if (length === undefined) throw input.unexpected(expected);
      if (length < least || length > most) {
        throw new TypeError(`expected ${expected}, got an array of ${length}`);
      }
      input.enter();
      const value = all.readValues(input, length);
      input.leave();
      return value;
    },
  };
  return schema as unknown as StructSchema<StructOf<F>>;
}

function range(least: number, most: number): string {
  if (least === most) return `${least}`;
  return most === Infinity ? `at least ${least}` : `${least} to ${most}`;
}

/** Options of {@linkcode namedStruct}. */
export interface NamedStructOptions<Names extends string> {
  /**
   * The names on the wire of fields that are called otherwise here, as in
   * `{ requestId: "request_id" }`.
   *
   * @default {{}}
   */
  readonly names?: Readonly<{ [Name in Names]?: string }>;
}

/**
 * Rust's struct as a map from the names of its fields to their values: what
 * `rmp_serde::to_vec_named` writes, and any struct with a `#[serde(flatten)]` field, whose own
 * fields are then listed among the others. Inbound, fields may come in any order, names that are
 * not known are skipped, and an {@linkcode option} may be missing.
 *
 * Throws a `TypeError` for a field name as {@linkcode struct} does.
 */
export function namedStruct<F extends Fields>(
  name: string,
  fields: F,
  options: NamedStructOptions<keyof F & string> = {},
): StructSchema<StructOf<F>> {
  checkNames(name, fields);
  const all = new StructFields(fields, options.names ?? {});
  const expected = `a map (${name})`;
  const schema: StructSchema<Record<string, unknown>> = {
    name,
    named: true,
    fields: all,
    write(value, out) {
      if (typeof value !== "object" || value === null) throw unfit(name, value);
      writeMap(all.entriesOf(value), out);
      all.writeEntries(value, out);
    },
    read(input) {
      const size = input.map();
      if (size === undefined) throw input.unexpected(expected);
      input.enter();
      const value = all.readEntries(input, size);
      input.leave();
      return value;
    },
  };
  return schema as unknown as StructSchema<StructOf<F>>;
}

function checkNames(name: string, fields: Fields): void {
  for (const field of Object.keys(fields)) {
    if (field in Object.prototype || /^\d+$/.test(field)) {
      throw new TypeError(`Cannot make a field called ${field} in ${name}: give it another name`);
    }
  }
}

/**
 * A field with `#[serde(default, skip_serializing_if = "Option::is_none")]`: it is left out
 * while it is `undefined`, at the end of a {@linkcode struct} and anywhere in a
 * {@linkcode namedStruct}. Before a field of a struct that is not left out it is nil, because an
 * array has no gaps. (Rust leaves it out there too, and cannot read what it wrote.)
 */
export function optional<T>(schema: Schema<T>): OptionalField<T | undefined> {
  return {
    name: schema.name,
    missing: () => undefined,
    skipped: (value) => value === undefined,
    write(value, out) {
      if (value === undefined) writeNil(out);
      else schema.write(value, out);
    },
    read: (input) => input.nil() ? undefined : schema.read(input),
  };
}

/**
 * A field with `#[serde(default)]`, or another `default` and `skip_serializing_if`: `missing`
 * makes its value if it is missing, and `isSkipped` says which values are left out, by default
 * none. Where it may be missing is as for {@linkcode optional}.
 */
export function defaulted<T>(
  schema: Schema<T>,
  missing: () => T,
  isSkipped: (value: T) => boolean = () => false,
): OptionalField<T> {
  return {
    name: schema.name,
    missing,
    skipped: isSkipped,
    write: (value, out) => schema.write(value, out),
    read: (input) => schema.read(input),
  };
}
