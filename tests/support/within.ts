/**
 * Far longer than anything here takes on a busy machine; it only ends what would never end. Less
 * than the minute that tests give to what must not be waited for.
 */
const LIMIT = 50_000;
/** The real clock: tests of pools stop the one that others see. */
export const now: () => number = performance.now.bind(performance);

/** Waits for `promise`, and fails with a sentence that names `what` if it does not settle in time. */
export function within<T>(ms: number, promise: PromiseLike<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Still waiting after ${ms} ms: ${what}`)), ms);
    promise.then(resolve, reject).then(() => clearTimeout(timer));
  });
}

/** {@linkcode within} a time that nothing here needs. */
export function soon<T>(promise: PromiseLike<T>, what: string): Promise<T> {
  return within(LIMIT, promise, what);
}

/** Polls a condition in each turn, if there is no event for it; fails as {@linkcode soon} does. */
export async function until(
  so: () => boolean | Promise<boolean>,
  what: () => string,
): Promise<void> {
  for (const since = now(); !await so(); await turn()) {
    if (now() - since > LIMIT) {
      throw new Error(`Still not so after ${LIMIT} ms: ${what()}`);
    }
  }
}

/** How a promise ended. */
export type Outcome<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown };

/** Watches a promise that may reject before anybody waits for it. */
export function outcome<T>(promise: PromiseLike<T>): Promise<Outcome<T>> {
  return Promise.resolve(promise.then(
    (value) => ({ kind: "value" as const, value }),
    (error) => ({ kind: "error" as const, error }),
  ));
}

/** A promise with the functions that settle it; Node 20 has no `Promise.withResolvers`. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes a {@linkcode Deferred}. */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => (resolve = yes, reject = no));
  return { promise, resolve, reject };
}

/** Resolves with a signal's reason when it fires, or if it has. */
export function fired(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

/** Lets everything that is ready run: one turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
