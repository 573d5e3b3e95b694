/**
 * Calls back when nothing has happened for a time. What happens is only noted; one
 * timer looks at it, so that an event costs a reading of the clock and no timer.
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

  /** Something has happened: the time begins anew. */
  touch(): void {
    this.#last = performance.now();
  }

  /** From here on nothing is expected to happen, until the next {@linkcode touch}. */
  hold(): void {
    this.#last = Infinity;
  }

  /** Never calls back again. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const silent = performance.now() - this.#last;
    // A timer may come a little early.
    const left = silent === -Infinity ? this.#limit : Math.ceil(this.#limit - silent);
    this.#timer = setTimeout(() => this.#look(), left > 0 ? left : this.#limit);
    if (left > 0) return;
    this.touch();
    this.#onSilence();
  }
}
