// The fields of a struct, which are an array of their values, or a map from names to values.
import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import type { MessagePackReader } from "./reader.ts";
import { type Schema, within } from "./_schema.ts";
import { writeString } from "./_writer.ts";
import { type Compile, fieldsReader } from "./_struct_reader.ts";

/** A field that the end of an array, or a map, may lack. */
export interface OptionalField<T> extends Schema<T> {
  /** The value of the field if it is missing. */
  readonly missing: () => T;
  /** Whether a value is left out. */
  readonly skipped: (value: T) => boolean;
}

type Value = Readonly<Record<string, unknown>>;
type AnyField = Schema<unknown> & Partial<OptionalField<unknown>>;

/** How the fields of a struct are read and written, without a header. */
export class StructFields {
  /** How many fields an array has at least, and how many there are. */
  readonly least: number;
  readonly count: number;
  readonly #names: readonly string[];
  /** The names on the wire. */
  readonly #wireNames: readonly string[];
  readonly #byWireName: ReadonlyMap<string, number>;
  readonly #schemas: readonly AnyField[];
  /** Reads all fields of an array. */
  readonly #readAll: (input: MessagePackReader) => Record<string, unknown>;

  constructor(
    fields: Readonly<Record<string, Schema<unknown>>>,
    renamed: Readonly<Record<string, string | undefined>>,
    compile?: Compile,
  ) {
    this.#names = Object.keys(fields);
    this.#schemas = Object.values(fields);
    this.#wireNames = this.#names.map((name) => renamed[name] ?? name);
    this.#byWireName = new Map(this.#wireNames.map((name, i) => [name, i]));
    this.count = this.#names.length;
    this.least = 1 + this.#schemas.findLastIndex((schema) => schema.skipped === undefined);
    this.#readAll = fieldsReader(this.#names, this.#schemas, compile);
  }

  /** How many fields an array of a value has: those at its end that are left out do not count. */
  countOf(value: Value): number {
    let count = this.count;
    while (count > this.least && this.#isSkipped(count - 1, value)) count--;
    return count;
  }

  /** Writes the first `count` fields as values of an array. */
  writeValues(value: Value, count: number, out: EncodeBuffer): void {
    let i = 0;
    try {
      for (; i < count; i++) this.#schemas[i]!.write(value[this.#names[i]!], out);
    } catch (cause) {
      throw within(`.${this.#names[i]}`, cause);
    }
  }

  /** Reads fields from an array that has `count` values; further ones are dropped. */
  readValues(input: MessagePackReader, count: number): Record<string, unknown> {
    if (count >= this.count) {
      const value = this.#readAll(input);
      for (let i = this.count; i < count; i++) input.skip();
      return value;
    }
    const value: Record<string, unknown> = {};
    let i = 0;
    try {
      for (; i < this.count; i++) {
        const schema = this.#schemas[i]!;
        value[this.#names[i]!] = i < count ? schema.read(input) : schema.missing!();
      }
    } catch (cause) {
      throw within(`.${this.#names[i]}`, cause);
    }
    return value;
  }

  /** How many entries a map of a value has. */
  entriesOf(value: Value): number {
    let count = 0;
    for (let i = 0; i < this.count; i++) if (!this.#isSkipped(i, value)) count++;
    return count;
  }

  /** Writes the fields as entries of a map. */
  writeEntries(value: Value, out: EncodeBuffer): void {
    let i = 0;
    try {
      for (; i < this.count; i++) {
        if (this.#isSkipped(i, value)) continue;
        writeString(this.#wireNames[i]!, out);
        this.#schemas[i]!.write(value[this.#names[i]!], out);
      }
    } catch (cause) {
      throw within(`.${this.#names[i]}`, cause);
    }
  }

  /** Reads fields from a map that has `size` entries; those of other names are dropped. */
  readEntries(input: MessagePackReader, size: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const there = new Array<boolean>(this.count).fill(false);
    for (let entry = 0; entry < size; entry++) {
      const name = input.string();
      if (name === undefined) throw input.unexpected("the name of a field");
      const i = this.#byWireName.get(name);
      if (i === undefined) {
        input.skip();
        continue;
      }
      try {
        if (there[i]) throw new TypeError("it is there twice");
        there[i] = true;
        value[this.#names[i]!] = this.#schemas[i]!.read(input);
      } catch (cause) {
        throw within(`.${this.#names[i]}`, cause);
      }
    }
    for (let i = 0; i < this.count; i++) {
      if (there[i]) continue;
      const missing = this.#schemas[i]!.missing;
      if (missing === undefined) throw within(`.${this.#names[i]}`, new TypeError("it is missing"));
      value[this.#names[i]!] = missing();
    }
    return value;
  }

  #isSkipped(i: number, value: Value): boolean {
    return this.#schemas[i]!.skipped?.(value[this.#names[i]!]) ?? false;
  }
}
