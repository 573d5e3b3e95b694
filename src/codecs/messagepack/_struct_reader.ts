import type { Schema } from "./_schema.ts";
import { within } from "./_schema.ts";
import type { MessagePackReader } from "./reader.ts";

/** Reads the fields of a struct, one after another, into an object. */
export type ReadFields = (input: MessagePackReader) => Record<string, unknown>;

type Schemas = readonly Schema<unknown>[];

/** What makes a function from the names of its parameters and its source: `Function` does. */
export type Compile = (...source: string[]) => object;

/**
 * Makes a function that reads fields in order. With `compile` it is made for its fields, since
 * engines are three times as fast at a literal with known names. This package never makes code
 * from strings by itself: a program that wants it passes what does.
 */
export function fieldsReader(
  names: readonly string[],
  schemas: Schemas,
  compile: Compile | undefined,
): ReadFields {
  if (compile === undefined) return interpreted(names, schemas);
  const made = compile("schemas", "within", sourceOf(names)) as (
    schemas: Schemas,
    within: (i: number, cause: unknown) => Error,
  ) => ReadFields;
  return made(schemas, (i, cause) => within(`.${names[i]}`, cause));
}

function interpreted(names: readonly string[], schemas: Schemas): ReadFields {
  return (input) => {
    const value: Record<string, unknown> = {};
    let i = 0;
    try {
      for (; i < names.length; i++) value[names[i]!] = schemas[i]!.read(input);
    } catch (cause) {
      throw within(`.${names[i]}`, cause);
    }
    return value;
  };
}

/** Names are the program's own, and quoted. */
function sourceOf(names: readonly string[]): string {
  const constants = names.map((_, i) => `const s${i} = schemas[${i}];`).join("\n");
  const fields = names.map((name, i) => `${JSON.stringify(name)}: (i = ${i}, s${i}.read(input)),`);
  return `${constants}
return (input) => {
  let i = 0;
  try {
    return {
      ${fields.join("\n      ")}
    };
  } catch (cause) {
    throw within(i, cause);
  }
};`;
}
