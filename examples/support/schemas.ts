// Validators for examples, which need no library then: see examples/services-zod for one with zod.
import type { StandardSchema } from "@protosocket/protosocket/services";

/** Takes values of that type only. */
function typed<T>(type: string): StandardSchema<T> {
  return {
    "~standard": {
      version: 1,
      vendor: "examples",
      validate: (value) =>
        typeof value === type ? { value: value as T } : { issues: [{ message: `not a ${type}` }] },
    },
  };
}

export const text: StandardSchema<string> = typed("string");
export const number: StandardSchema<number> = typed("number");
