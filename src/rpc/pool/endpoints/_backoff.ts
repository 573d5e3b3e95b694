/** How the rests (the backoff) of something that keeps failing grow; times in milliseconds. */
export interface RestOptions {
  /** The first rest, before jitter. */
  readonly initial: number;
  /** The longest rest, before jitter. */
  readonly max: number;
  /** How many times longer each rest is than the one before. */
  readonly factor: number;
  /** How much of a rest is random, from 0 to 1. */
  readonly jitter: number;
  /** Returns a number from 0 to below 1. */
  readonly random: () => number;
}

/** Exponential backoff with jitter for something that keeps failing. */
export class Rest {
  readonly #options: RestOptions;
  #failures = 0;
  #failedAt = -Infinity;
  #succeededAt: number | undefined;
  /** When the rest ends, on the clock of `performance.now()`. */
  until: number = -Infinity;
  /** The last failure. */
  error: unknown;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Records that an attempt which began at `began` failed, or that its result was lost at once. */
  failed(error: unknown, began: number, now: number): void {
    this.error = error;
    // Concurrent attempts that fail count as one failure. A coarse clock shows the same time for all.
    if (began <= this.#failedAt) return;
    const { initial, max, factor, jitter, random } = this.#options;
    if (this.#succeededAt !== undefined && now - this.#succeededAt >= initial) this.#failures = 0;
    this.#failedAt = now;
    this.#succeededAt = undefined;
    const full = Math.min(max, initial * factor ** this.#failures++);
    this.until = now + full * (1 - jitter * random());
  }

  /** Whether it has failed, and not succeeded since. */
  get failing(): boolean {
    return this.#failures > 0 && this.#succeededAt === undefined;
  }

  /** Ends the rest, not knowing whether the next attempt succeeds. */
  end(): void {
    this.until = -Infinity;
  }

  /** Records a success: ends the rest. Earlier failures are forgotten once it has lasted `initial`. */
  succeeded(now: number): void {
    this.#succeededAt = now;
    this.until = -Infinity;
  }
}
