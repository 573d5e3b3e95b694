/** Of how many milliseconds timers were started, and of how many those are that wait still. */
export interface Timers {
  readonly started: readonly number[];
  readonly left: readonly number[];
}

/** Runs `body`, and tells of the timers that were started meanwhile. */
export async function countTimers(body: () => Promise<void>): Promise<Timers> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const waiting = new Map<unknown, number>();
  const started: number[] = [];
  globalThis.setTimeout = ((callback: (...args: unknown[]) => void, ms = 0, ...rest: []) => {
    const timer = set(() => {
      waiting.delete(timer);
      callback(...rest);
    }, ms);
    waiting.set(timer, ms);
    started.push(ms);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    waiting.delete(timer);
    clear(timer as number);
  };
  try {
    await body();
  } finally {
    globalThis.setTimeout = set;
    globalThis.clearTimeout = clear;
  }
  // Those that the streams in memory have begun are for the next turn.
  for (let i = 0; i < 5; i++) await new Promise((resolve) => set(resolve, 1));
  return { started, left: [...waiting.values()] };
}
