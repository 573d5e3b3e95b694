/**
 * Calls back when nothing has happened for `limit`. An event only records the time, and one
 * timer checks it, so that events do not have to reset a timer.
 */
export class Silence {
  readonly #limit: number;
  readonly #onSilence: () => void;
  #last = performance.now();
  #timer: ReturnType<typeof setTimeout>;

  /** Starts at once; `limit` is in milliseconds. */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(() => this.#look(), limit);
  }

  /** Something has happened: restarts the time, which this once may be `limits` times as long. */
  touch(limits = 1): void {
    this.#last = performance.now() + (limits - 1) * this.#limit;
  }

  /** Pauses: nothing is expected to happen until the next {@linkcode touch}. */
  hold(): void {
    this.#last = Infinity;
  }

  /** Never calls back again. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const silent = performance.now() - this.#last;
    // Timers may fire a little early.
    const left = silent === -Infinity ? this.#limit : Math.ceil(this.#limit - silent);
    // Several limits may be longer than a timer can be.
    const next = left > 0 ? Math.min(left, this.#limit) : this.#limit;
    this.#timer = setTimeout(() => this.#look(), next);
    if (left > 0) return;
    this.touch();
    this.#onSilence();
  }
}
