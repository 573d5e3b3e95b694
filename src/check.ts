/** The largest delay, in milliseconds, that timers take on every runtime. */
export const MAX_DELAY: number = 2 ** 31 - 1;

/**
 * Returns `value` if it is an integer from `min` to `max`, else throws a `RangeError` that
 * names it. A number that is wrong is a `RangeError` everywhere in this library; any other
 * wrong argument is a `TypeError`, see {@linkcode wrong}. Both are mistakes of the program
 * that calls, unlike the errors with codes, which say what became of a connection.
 */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${shown(value)}`);
}

/** Checks a delay in milliseconds; see {@linkcode integer}. */
export function delay(name: string, value: unknown, min: 0 | 1): number {
  return integer(name, value, min, MAX_DELAY);
}

/** Makes the error for an argument or an option that is wrong, and not a number out of range. */
export function wrong(message: string, cause?: unknown): TypeError {
  return new TypeError(message, cause === undefined ? undefined : { cause });
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 100)}"`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
