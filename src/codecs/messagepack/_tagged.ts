// The kinds of enum that serde's attributes make.
import { StructFields } from "./_fields.ts";
import type { MessagePackReader } from "./reader.ts";
import { type Schema, within } from "./_schema.ts";
import type { StructSchema } from "./_structs.ts";
import {
  Cases,
  type Chosen,
  type EnumOptions,
  type unit,
  type VariantOf,
  type Variants,
} from "./_variants.ts";
import { writeArray, writeMap, writeNil, writeString } from "./_writer.ts";

/** The variants of {@linkcode internallyTagged}: structs, or `unit`. */
export type TaggedVariants = Readonly<Record<string, StructSchema<unknown> | typeof unit>>;

/** Options of {@linkcode internallyTagged}. */
export interface InternallyTaggedOptions<Name extends string> extends EnumOptions<Name> {
  /** The name of the field that has the variant: `#[serde(tag = "type")]`. */
  readonly tag: string;
  /**
   * Whether variants without a value are written as a map, as by `rmp_serde::to_vec_named`.
   * Variants with one are written as their struct is.
   *
   * @default {false}
   */
  readonly named?: boolean;
}

/**
 * Rust's enum with `#[serde(tag = "…")]`: the name of the variant, and then the fields of its
 * struct, in one array, or in one map if they have names. Both are read.
 */
export function internallyTagged<V extends TaggedVariants>(
  name: string,
  cases: V,
  options: InternallyTaggedOptions<keyof V & string>,
): Schema<VariantOf<V>> {
  const all = new Cases(name, cases, options.other);
  const { tag } = options;
  for (const [key, schema] of all.valued) {
    if (!fieldsOf(schema)) throw new TypeError(`The variant ${key} of ${name} must be a struct`);
  }
  const structs = all.valued as ReadonlyMap<string, StructSchema<unknown>>;

  function fromArray(input: MessagePackReader, length: number): Chosen {
    const name = input.string();
    if (name === undefined) throw input.unexpected("the name of a variant");
    const struct = structs.get(name);
    if (struct === undefined) {
      const found = all.unit(name);
      if (length > 1 && found !== all.other) throw all.unexpected(`an array of ${length}`);
      for (let i = 1; i < length; i++) input.skip();
      return found;
    }
    const fields = fieldsOf(struct)!;
    const { least, count } = fields;
    return all.read(name, input, () => {
      if (length > least && length <= count + 1) {
        return fields.readValues(input, length - 1);
      }
      throw new TypeError(`expected ${count} fields (${struct.name}), got ${length - 1}`);
    });
  }

  function fromMap(input: MessagePackReader, size: number): Chosen {
    const name = input.ahead(() => findTag(input, size, tag));
    if (name === undefined) {
      throw new TypeError(`expected a map with ${JSON.stringify(tag)} (the tag)`);
    }
    const fields = fieldsOf(structs.get(name));
    if (fields !== undefined) return all.read(name, input, () => fields.readEntries(input, size));
    const found = all.unit(name);
    for (let i = 0; i < 2 * size; i++) input.skip();
    return found;
  }

  const schema: Schema<Chosen> = {
    name,
    write(chosen, out) {
      const { name, schema, value } = all.chosen(chosen);
      const struct = schema as StructSchema<unknown> | undefined;
      const isNamed = struct?.named ?? options.named ?? false;
      const fields = fieldsOf(struct);
      if (fields !== undefined && (typeof value !== "object" || value === null)) {
        throw within(`.${name}`, new TypeError(`expected ${struct!.name}, got ${value}`));
      }
      const of = value as Record<string, unknown>;
      try {
        if (isNamed) {
          writeMap(1 + (fields?.entriesOf(of) ?? 0), out);
          writeString(tag, out);
          writeString(name, out);
          fields?.writeEntries(of, out);
        } else {
          const count = fields?.countOf(of) ?? 0;
          writeArray(1 + count, out);
          writeString(name, out);
          fields?.writeValues(of, count, out);
        }
      } catch (cause) {
        throw within(`.${name}`, cause);
      }
    },
    read(input) {
      const length = input.array();
      if (length !== undefined && length > 0) return fromArray(input, length);
      const size = length === undefined ? input.map() : undefined;
      if (size !== undefined) return fromMap(input, size);
      throw length === 0 ? all.unexpected("an array of 0") : all.unexpectedIn(input);
    },
  };
  return schema as Schema<VariantOf<V>>;
}

/** Finds the name of the variant among the entries of a map. */
function findTag(input: MessagePackReader, size: number, tag: string): string | undefined {
  for (let i = 0; i < size; i++) {
    if (input.string() === tag) return input.string();
    input.skip();
  }
  return undefined;
}

/** Options of {@linkcode adjacentlyTagged}. */
export interface AdjacentlyTaggedOptions<Name extends string> extends EnumOptions<Name> {
  /** The name of the field that has the variant: `#[serde(tag = "t")]`. */
  readonly tag: string;
  /** The name of the field that has its value: `#[serde(content = "c")]`. */
  readonly content: string;
  /**
   * Whether values are written as maps, as by `rmp_serde::to_vec_named`. Both are read.
   *
   * @default {false}
   */
  readonly named?: boolean;
}

/**
 * Rust's enum with `#[serde(tag = "…", content = "…")]`: an array, or a map, of the name of the
 * variant and its value, if it has one. In an array a variant without one is written with nil,
 * since `rmp_serde` writes it without and cannot read that; here both are read.
 */
export function adjacentlyTagged<V extends Variants>(
  name: string,
  cases: V,
  options: AdjacentlyTaggedOptions<keyof V & string>,
): Schema<VariantOf<V>> {
  const all = new Cases(name, cases, options.other);
  const { tag, content, named = false } = options;

  function contentOf(input: MessagePackReader, name: string): Chosen {
    const schema = all.valued.get(name);
    if (schema !== undefined) return all.read(name, input, () => schema.read(input));
    if (all.other !== undefined && !all.units.has(name)) input.skip();
    else if (!input.nil()) throw within(`.${name}`, input.unexpected("nil"));
    return all.unit(name);
  }

  function withoutContent(name: string): string {
    if (all.valued.has(name)) throw within(`.${name}`, new TypeError("its value is missing"));
    return all.unit(name);
  }

  function fromMap(input: MessagePackReader, size: number): Chosen {
    const name = input.ahead(() => findTag(input, size, tag));
    if (name === undefined) {
      throw new TypeError(`expected a map with ${JSON.stringify(tag)} (the tag)`);
    }
    let found: Chosen | undefined;
    for (let i = 0; i < size; i++) {
      if (input.string() === content && found === undefined) found = contentOf(input, name);
      else input.skip();
    }
    return found ?? withoutContent(name);
  }

  const schema: Schema<Chosen> = {
    name,
    write(chosen, out) {
      const { name, schema, value } = all.chosen(chosen);
      if (named) {
        writeMap(schema === undefined ? 1 : 2, out);
        writeString(tag, out);
      } else {
        writeArray(2, out);
      }
      writeString(name, out);
      if (schema === undefined) {
        if (!named) writeNil(out);
        return;
      }
      if (named) writeString(content, out);
      try {
        schema.write(value, out);
      } catch (cause) {
        throw within(`.${name}`, cause);
      }
    },
    read(input) {
      const length = input.array();
      const size = length === undefined ? input.map() : undefined;
      if (size !== undefined) return fromMap(input, size);
      if (length === undefined) throw all.unexpectedIn(input);
      if (length < 1 || length > 2) throw all.unexpected(`an array of ${length}`);
      const name = input.string();
      if (name === undefined) throw input.unexpected("the name of a variant");
      return length === 2 ? contentOf(input, name) : withoutContent(name);
    },
  };
  return schema as Schema<VariantOf<V>>;
}

/**
 * Rust's enum with `#[serde(untagged)]`: only the value is on the wire, and nil for a variant
 * without one. The first variant whose schema fits is what is read, so list them in the order
 * of the Rust type.
 */
export function untagged<V extends Variants>(name: string, cases: V): Schema<VariantOf<V>> {
  const all = new Cases(name, cases);
  const schema: Schema<Chosen> = {
    name,
    write(chosen, out) {
      const { name, schema, value } = all.chosen(chosen);
      if (schema === undefined) return writeNil(out);
      try {
        schema.write(value, out);
      } catch (cause) {
        throw within(`.${name}`, cause);
      }
    },
    read(input) {
      for (const name of Object.keys(cases)) {
        const schema = all.valued.get(name);
        if (schema === undefined) {
          if (input.nil()) return name;
          continue;
        }
        const found = input.attempt((input) => all.read(name, input, () => schema.read(input)));
        if (found !== undefined) return found.value;
      }
      throw input.unexpected(`a variant of ${name}`);
    },
  };
  return schema as Schema<VariantOf<V>>;
}

/** The fields of a struct's schema; `undefined` if it is another schema, or none. */
function fieldsOf(schema: Partial<StructSchema<unknown>> | undefined): StructFields | undefined {
  return schema?.fields instanceof StructFields ? schema.fields : undefined;
}
