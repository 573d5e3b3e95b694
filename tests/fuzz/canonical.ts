/** A value as text that is the same for equal values and for no others; fast. */
export function canonical(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : `${value}`;
  if (value instanceof Uint8Array) return `<${value.join(" ")}>`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Map) return `Map${canonical([...value])}`;
  // A property that is undefined and one that is not there are one.
  const fields = Object.entries(value).filter(([, value]) => value !== undefined);
  return `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`).sort()}}`;
}
