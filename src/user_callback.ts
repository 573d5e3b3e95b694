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
    caught(callback?.(...args));
  } catch {
    // Being told must not change what is told.
  }
}

/**
 * Looks after the rejection of a promise that a user's function may have returned where none is
 * expected.
 */
export function caught(result: unknown, onRejected: (cause: unknown) => void = ignore): void {
  if (isThenable(result)) result.then(undefined, onRejected);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function";
}

function ignore(): void {}
