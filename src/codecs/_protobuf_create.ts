import type { Fields } from "./_protobuf_plan.ts";

/** Makes a function that makes messages like `template`, with the same properties. */
export function creator(template: Fields): () => Fields {
  const prototype = Object.getPrototypeOf(template);
  const entries = Object.entries(template);
  return () => {
    const message: Fields = prototype === Object.prototype ? {} : Object.create(prototype);
    for (const [name, value] of entries) message[name] = fresh(value);
    return message;
  };
}

/** A list, a map and a oneof are made anew for each message. */
function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return { ...value };
}
