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

  /** Something has happened: restarts the time, which is longer by so many milliseconds. */
  touch(longer = 0): void {
    this.#last = performance.now() + longer;
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
    this.#timer = setTimeout(() => this.#look(), left > 0 ? left : this.#limit);
    if (left > 0) return;
    this.touch();
    this.#onSilence();
  }
}
