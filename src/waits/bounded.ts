import { afterPoll } from "./after_poll.ts";
import { onAbort } from "./on_abort.ts";

/** What limits a wait. */
export interface Limits {
  /** Any of these ends the wait. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Makes the error for a signal; default its reason. */
  readonly aborted?: (signal: AbortSignal) => unknown;
  /** Milliseconds after which `timedOut` makes the error. */
  readonly timeout?: number;
  /** Makes the error for the timeout. */
  readonly timedOut?: () => unknown;
}

/** What limits a piece of work. */
export interface Bounds<T> extends Limits {
  /** Receives a result that arrives after the wait has ended. */
  readonly late?: (value: T) => void;
}

/**
 * Calls back once: with the first of the signals that fires, or with `undefined` when
 * `timeout` milliseconds have passed, and what had arrived by then has been read. Returns a
 * function that ends the wait, and leaves neither a timer nor a listener.
 */
export function watch(
  signals: readonly (AbortSignal | undefined)[],
  timeout: number | undefined,
  giveUp: (signal: AbortSignal | undefined) => void,
): () => void {
  const ends: (() => void)[] = [];
  const release = () => {
    for (const end of ends.splice(0)) end();
  };
  const end = (signal: AbortSignal | undefined) => {
    release();
    giveUp(signal);
  };
  for (const signal of signals) {
    if (signal) ends.push(onAbort(signal, () => end(signal)));
  }
  if (timeout !== undefined) {
    const timer = setTimeout(() => cancel = afterPoll(() => end(undefined)), timeout);
    let cancel = () => clearTimeout(timer);
    ends.push(() => cancel());
  }
  return release;
}

/** Waits for a promise within `limits`. Leaves neither a timer nor a listener behind. */
export function limited<T>(promise: PromiseLike<T>, limits: Limits): Promise<T> {
  return new Promise((resolve, reject) => {
    const release = begin(limits, reject);
    promise.then(
      (value) => (release(), resolve(value)),
      (error) => (release(), reject(error)),
    );
  });
}

/**
 * Runs work with a signal of its own and waits for it within `bounds`, whether it observes
 * the signal or not. Leaves neither a timer nor a listener behind.
 */
export function bounded<T>(
  work: (signal: AbortSignal) => Promise<T>,
  bounds: Bounds<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const own = new AbortController();
    let over = false;
    const release = begin(bounds, (error) => {
      over = true;
      reject(error);
      own.abort(error);
    });
    if (over) return;
    // Async, so that a throw becomes a rejection.
    (async () => await work(own.signal))().then(
      (value) => over ? bounds.late?.(value) : (release(), resolve(value)),
      (error) => over || (release(), reject(error)),
    );
  });
}

/** Begins a wait: gives it up at once if one of the signals has fired. */
function begin(
  { signals, aborted, timeout, timedOut }: Limits,
  giveUp: (error: unknown) => void,
): () => void {
  const end = (signal: AbortSignal | undefined) =>
    giveUp(signal ? aborted ? aborted(signal) : signal.reason : timedOut?.());
  const fired = signals.find((signal) => signal?.aborted);
  if (!fired) return watch(signals, timeout, end);
  end(fired);
  return () => {};
}
