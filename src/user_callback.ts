/**
 * Calls a function that a user has passed in, to be told something. Whatever it throws is
 * ignored, and so is the rejection of a promise that it returns: an `async` function is
 * accepted where a plain one is expected, and must not end the process.
 */
export function tell<Args extends unknown[]>(
  callback: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    const result = callback?.(...args);
    if (isThenable(result)) result.then(undefined, ignore);
  } catch {
    // Being told must not change what is told.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function";
}

function ignore(): void {}
