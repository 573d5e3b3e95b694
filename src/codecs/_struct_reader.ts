import type { Schema } from "./_messagepack_schema.ts";
import { within } from "./_messagepack_schema.ts";
import type { MessagePackReader } from "./_messagepack_reader.ts";

/** Reads the fields of a struct, one after another, into an object. */
export type ReadFields = (input: MessagePackReader) => Record<string, unknown>;

type Schemas = readonly Schema<unknown>[];

/**
 * Makes a function that reads fields in order. It is compiled for its fields where the runtime
 * allows that, since engines are three times as fast at a literal with known names.
 */
export function fieldsReader(names: readonly string[], schemas: Schemas): ReadFields {
  try {
    const compiled = new Function("schemas", "within", sourceOf(names));
    return compiled(schemas, (i: number, cause: unknown) => within(`.${names[i]}`, cause));
  } catch {
    // Cloudflare's runtime and the security policies of many pages do not allow it.
    return interpreted(names, schemas);
  }
}

/** The same without compiling. */
export function interpreted(names: readonly string[], schemas: Schemas): ReadFields {
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
