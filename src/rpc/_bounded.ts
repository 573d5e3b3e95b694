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
    const settle = () => {
      over = true;
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", onAbort);
    };
    const giveUp = (reason: unknown) => {
      settle();
      reject(reason);
      own.abort(reason);
    };
    const onAbort = () => giveUp(signals.find((signal) => signal?.aborted)!.reason);
    const timer = timeout === undefined
      ? undefined
      : setTimeout(() => giveUp(timedOut?.()), timeout);
    for (const signal of signals) signal?.addEventListener("abort", onAbort);
    // Async, so that a throw becomes a rejection.
    (async () => await work(own.signal))().then(
      (value) => over ? late?.(value) : (settle(), resolve(value)),
      (error) => over || (settle(), reject(error)),
    );
  });
}
