import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import type { MessagePackReader } from "./reader.ts";
import { reasonOf, shorten } from "../../reason.ts";

/**
 * How a type of value is encoded in MessagePack. Combine the schemas of this module, or
 * write your own from them.
 *
 * @example A custom schema
 * ```ts
 * import { type Schema, string } from "@protosocket/protosocket/messagepack";
 *
 * export const url: Schema<URL> = {
 *   name: "a URL",
 *   write: (value, out) => string.write(value.href, out),
 *   read: (input) => new URL(string.read(input)),
 * };
 * ```
 */
export interface Schema<T> {
  /** The name of the type in errors: `u32`, `a string`, `Request`. */
  readonly name: string;
  /** Appends a value. Throws if it is of another type. */
  write(value: T, out: EncodeBuffer): void;
  /** Reads a value. Throws if the next value is of another type. */
  read(input: MessagePackReader): T;
}

/** A schema whose value may be missing where fields have names. */
export interface Missing<T> {
  /** The value of a field that is missing. */
  readonly missing: () => T;
}

/** The type of a schema's values. */
export type Infer<S> = S extends { read(input: MessagePackReader): infer T } ? T : never;

/** The longest path in an error, in characters. */
const LONGEST_PATH = 200;

/** A value that does not match its schema, and where it is in its message. */
class Misfit extends TypeError {
  /** The steps from the outermost part that is known to the value. */
  #path = "";
  readonly #what: string;

  constructor(cause: unknown) {
    super("", { cause });
    this.#what = reasonOf(cause);
  }

  /** Adds the step before the others; from a long path its middle is left out. */
  begin(step: string): this {
    this.#path = shorten(step + this.#path, LONGEST_PATH, LONGEST_PATH / 2);
    this.message = `${this.#path}: ${this.#what}`;
    return this;
  }
}

/**
 * Turns the error of a part of a value into one of the whole: `step` names the part, as in
 * `.name` or `[3]`. Values within values share one error, which has the whole path.
 */
export function within(step: string, cause: unknown): TypeError {
  return (cause instanceof Misfit ? cause : new Misfit(cause)).begin(step);
}

/** Makes the error for an outbound value of the wrong type. */
export function unfit(expected: string, value: unknown): TypeError {
  return new TypeError(`expected ${expected}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "number":
    case "bigint":
      return String(value);
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : "an object";
    default:
      return `a ${typeof value}`;
  }
}
