/** Runs `body`, and tells how many timers were started, and how many wait still. */
export async function countTimers(
  body: () => Promise<void>,
): Promise<{ started: number; left: number }> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const waiting = new Set<unknown>();
  let started = 0;
  globalThis.setTimeout = ((callback: (...args: unknown[]) => void, ms?: number, ...rest: []) => {
    const timer = set(() => {
      waiting.delete(timer);
      callback(...rest);
    }, ms);
    waiting.add(timer);
    started++;
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
  return { started, left: waiting.size };
}
