// Validators for examples, which need no library then: see examples/services-zod for one with zod.
import type { StandardSchema } from "@protosocket/protosocket/services";

/** Takes values for which `is` returns `true` only. */
function checked<T>(type: string, is: (value: unknown) => boolean): StandardSchema<T> {
  return {
    "~standard": {
      version: 1,
      vendor: "examples",
      validate: (value) =>
        is(value) ? { value: value as T } : { issues: [{ message: `not a ${type}` }] },
    },
  };
}

export const text: StandardSchema<string> = checked("string", (value) => typeof value === "string");
export const number: StandardSchema<number> = checked(
  "number",
  (value) => typeof value === "number",
);
