import type { RetryBudgetOptions } from "../resilience_options.ts";

/** For how many seconds a retry budget counts. */
const WINDOW = 10;

/** How many calls may be retried, compared with the calls of the last seconds. */
export class RetryBudget {
  readonly #options: Required<RetryBudgetOptions>;
  /** By second. */
  readonly #calls: number[] = new Array(WINDOW).fill(0);
  readonly #retries: number[] = new Array(WINDOW).fill(0);
  #second = -Infinity;

  constructor(options: Required<RetryBudgetOptions>) {
    this.#options = options;
  }

  /** A call is made. */
  called(now: number): void {
    this.#calls[this.#at(now)]!++;
  }

  /** Whether a call may be retried: it counts as a retry then. */
  take(now: number): boolean {
    const at = this.#at(now);
    const { ratio, minPerSecond } = this.#options;
    const most = minPerSecond * WINDOW + ratio * sum(this.#calls);
    if (sum(this.#retries) + 1 > most) return false;
    this.#retries[at]!++;
    return true;
  }

  #at(now: number): number {
    const second = Math.floor(now / 1000);
    // What is older than the window is forgotten.
    const first = Math.max(this.#second + 1, second - WINDOW + 1);
    for (let s = first; s <= second; s++) this.#calls[s % WINDOW] = this.#retries[s % WINDOW] = 0;
    this.#second = second;
    return second % WINDOW;
  }
}

function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
