import type { MessagePackReader } from "./reader.ts";
import { type Infer, type Schema, unfit, within } from "./_schema.ts";
import { writeMap, writeString } from "./_writer.ts";

/** Marks a variant without a value in {@linkcode variants}. */
export const unit: unique symbol = Symbol("unit");

/** The variants of an enum by their names in Rust: the schema of the value, or `unit`. */
export type Variants = Readonly<Record<string, Schema<unknown> | typeof unit>>;

/** The type of an enum's values: `"Name"`, or `{ case: "Name", value }`. */
export type VariantOf<V extends Variants> = {
  [K in keyof V & string]: V[K] extends typeof unit ? K
    : { readonly case: K; readonly value: Infer<V[K]> };
}[keyof V & string];

/** A variant without a value, or with one. */
export type Chosen = string | { readonly case: string; readonly value: unknown };

/** Options of all kinds of enum that have names of variants on the wire. */
export interface EnumOptions<Name extends string> {
  /**
   * The variant with `#[serde(other)]`, which stands for every name that is not known; it is a
   * `unit`.
   *
   * @default {undefined} Names that are not known are invalid.
   */
  readonly other?: Name;
}

/** The variants of one enum, by name. */
export class Cases {
  readonly name: string;
  readonly units: ReadonlySet<string>;
  readonly valued: ReadonlyMap<string, Schema<unknown>>;
  readonly other: string | undefined;
  readonly #expected: string;

  constructor(name: string, cases: Variants, other?: string) {
    const entries = Object.entries(cases);
    this.name = name;
    this.units = new Set(entries.filter(([, schema]) => schema === unit).map(([key]) => key));
    this.valued = new Map(
      entries.filter((entry): entry is [string, Schema<unknown>] => entry[1] !== unit),
    );
    this.other = other;
    if (other !== undefined && !this.units.has(other)) {
      throw new TypeError(`${name} has no variant ${other} without a value to be the other`);
    }
    const forms = [...Array.from(this.units, quote), ...Array.from(this.valued.keys(), inMap)];
    this.#expected = `${name} (${forms.join(" or ")})`;
  }

  /** The error for something that is none of the variants. */
  unexpected(got: string): TypeError {
    return new TypeError(`expected ${this.#expected}, got ${got}`);
  }

  /** The error for the next value, which is none of the variants. */
  unexpectedIn(input: MessagePackReader): TypeError {
    return input.unexpected(this.#expected);
  }

  /** The variant without a value of that name on the wire. */
  unit(name: string): string {
    if (this.units.has(name)) return name;
    if (this.other !== undefined && !this.valued.has(name)) return this.other;
    throw this.unexpected(quote(name));
  }

  /** What is to be written for a value: the name of its variant, and the schema of a value. */
  chosen(value: Chosen): { name: string; schema?: Schema<unknown>; value?: unknown } {
    if (typeof value === "string") {
      if (!this.units.has(value)) throw this.unexpected(quote(value));
      return { name: value };
    }
    const schema = this.valued.get(value?.case);
    if (schema === undefined) throw unfit(this.#expected, value);
    return { name: value.case, schema, value: value.value };
  }

  /** Reads the value of a variant. */
  read(name: string, input: MessagePackReader, read: () => unknown): Chosen {
    try {
      input.enter();
      const value = read();
      input.leave();
      return { case: name, value };
    } catch (cause) {
      throw within(`.${name}`, cause);
    }
  }
}

/**
 * Rust's enum. A variant without a value is its name, here and on the wire. A variant with a
 * value is `{ case: name, value }` here, and on the wire a map with one entry from name to
 * value. The value of a variant with several fields is a struct.
 *
 * `Result<T, E>` is `variants("Result", { Ok: T, Err: E })`.
 */
export function variants<V extends Variants>(
  name: string,
  cases: V,
  options: EnumOptions<keyof V & string> = {},
): Schema<VariantOf<V>> {
  const all = new Cases(name, cases, options.other);
  const schema: Schema<Chosen> = {
    name,
    write(chosen, out) {
      const { name, schema, value } = all.chosen(chosen);
      if (schema === undefined) return writeString(name, out);
      writeMap(1, out);
      writeString(name, out);
      try {
        schema.write(value, out);
      } catch (cause) {
        throw within(`.${name}`, cause);
      }
    },
    read(input) {
      const alone = input.string();
      if (alone !== undefined) return all.unit(alone);
      const size = input.map();
      if (size === undefined) throw all.unexpectedIn(input);
      if (size !== 1) throw all.unexpected(`a map of ${size}`);
      const name = input.string();
      if (name === undefined) throw input.unexpected("the name of a variant");
      const schema = all.valued.get(name);
      if (schema !== undefined) return all.read(name, input, () => schema.read(input));
      // Rust takes nil for the value of a variant that has none.
      const isUnit = all.units.has(name) || all.other !== undefined;
      if (!isUnit || !input.nil()) throw all.unexpected(inMap(name));
      return all.unit(name);
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
