import type { EncodeBuffer } from "../encode_buffer.ts";
import type { MessagePackReader } from "./_messagepack_reader.ts";

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

/** The type of a schema's values. */
export type Infer<S> = S extends { read(input: MessagePackReader): infer T } ? T : never;

/** A value that does not match its schema, and where it is in its message. */
class Misfit extends TypeError {
  readonly path: string;
  readonly what: string;

  constructor(path: string, what: string, cause: unknown) {
    super(`${path}: ${what}`, { cause });
    this.path = path;
    this.what = what;
  }
}

/** Turns the error of a part of a value into one of the whole; `step` names the part. */
export function within(step: string, cause: unknown): TypeError {
  if (cause instanceof Misfit) return new Misfit(step + cause.path, cause.what, cause.cause);
  return new Misfit(step, cause instanceof Error ? cause.message : String(cause), cause);
}

/** The error for an outbound value of the wrong type. */
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
