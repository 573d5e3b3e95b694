/** The shortest and the longest time, in milliseconds, that calls wait before they try again. */
const SHORTEST_WAIT = 10;
const LONGEST_WAIT = 1000;

/** What calls wait for that wait until a connection can be made. */
export class NextTry {
  #wait: Promise<void> | undefined;
  #end: (() => void) | undefined;

  /** Resolves at `at`, on the clock of `performance.now()`, or at {@linkcode now}. */
  wait(at: number): Promise<void> {
    return this.#wait ??= new Promise((resolve) => {
      const ms = Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, at - performance.now()));
      const timer = setTimeout(() => this.now(), Math.ceil(ms));
      this.#end = () => {
        clearTimeout(timer);
        this.#wait = this.#end = undefined;
        resolve();
      };
    });
  }

  /** There is a connection, or nobody waits any more. */
  now(): void {
    this.#end?.();
  }
}
