import { afterPoll } from "../waits/after_poll.ts";
import { onAbort } from "../waits/on_abort.ts";

/** What limits a piece of work. */
export interface Bounds<T> {
  /** Any of these ends the wait, with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Milliseconds after which `timedOut` makes the error. */
  readonly timeout?: number;
  /** Makes the error for the timeout. */
  readonly timedOut?: () => unknown;
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

/**
 * Runs work with a signal of its own and waits for it within `bounds`, whether it observes
 * the signal or not. Leaves neither a timer nor a listener behind.
 */
export function bounded<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signals, timeout, timedOut, late }: Bounds<T>,
): Promise<T> {
  const aborted = signals.find((signal) => signal?.aborted);
  if (aborted) return Promise.reject(aborted.reason);
  return new Promise((resolve, reject) => {
    const own = new AbortController();
    let over = false;
    const release = watch(signals, timeout, (signal) => {
      over = true;
      const reason = signal ? signal.reason : timedOut?.();
      reject(reason);
      own.abort(reason);
    });
    // Async, so that a throw becomes a rejection.
    (async () => await work(own.signal))().then(
      (value) => over ? late?.(value) : (release(), resolve(value)),
      (error) => over || (release(), reject(error)),
    );
  });
}
