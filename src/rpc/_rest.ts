/** How the rests of something that keeps failing grow, in milliseconds. */
export interface RestOptions {
  /** The first, before jitter. */
  readonly initial: number;
  /** The longest, before jitter. */
  readonly max: number;
  /** How many times as long each is as the one before. */
  readonly factor: number;
  /** How much of a rest is left to chance, from 0 to 1. */
  readonly jitter: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** What keeps failing is left alone: longer each time, and not by all for the same time. */
export class Rest {
  readonly #options: RestOptions;
  #failures = 0;
  #failedAt = -Infinity;
  #succeededAt: number | undefined;
  /** Until when it rests, on the clock of `performance.now()`. */
  until: number = -Infinity;
  /** What it failed with last. */
  error: unknown;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Notes that a try which began at `began` has failed, or what it had brought has gone at once. */
  failed(error: unknown, began: number, now: number): void {
    this.error = error;
    // Tries that were under way together are one failure.
    if (began < this.#failedAt) return;
    const { initial, max, factor, jitter, random } = this.#options;
    if (this.#succeededAt !== undefined && now - this.#succeededAt >= initial) this.#failures = 0;
    this.#failedAt = now;
    this.#succeededAt = undefined;
    const full = Math.min(max, initial * factor ** this.#failures++);
    this.until = now + full * (1 - jitter * random());
  }

  /** Notes a success: the rest is over. Earlier failures are forgotten once it has lasted for `initial`. */
  succeeded(now: number): void {
    this.#succeededAt = now;
    this.until = -Infinity;
  }
}
