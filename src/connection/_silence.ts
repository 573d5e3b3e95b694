import { afterPoll } from "../waits/after_poll.ts";

/**
 * Calls back when nothing has happened for `limit`. An event only records the time, and one
 * timer checks it, so that events do not have to reset a timer.
 */
export class Silence {
  readonly #limit: number;
  readonly #onSilence: () => void;
  #last = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Cancels the second look, after one poll of the sockets. */
  #cancel: () => void = () => {};

  /** Starts at once; `limit` is in milliseconds. */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit;
    this.#onSilence = onSilence;
    this.#wait(limit);
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
    this.#cancel();
  }

  #wait(ms: number): void {
    // Several limits may be longer than a timer can be.
    this.#timer = setTimeout(() => this.#look(), Math.min(ms, this.#limit));
  }

  /** How long it may still be silent. */
  get #left(): number {
    const silent = performance.now() - this.#last;
    // Timers may fire a little early.
    return silent === -Infinity ? this.#limit : Math.ceil(this.#limit - silent);
  }

  #look(): void {
    const left = this.#left;
    if (left > 0) return this.#wait(left);
    this.#cancel = afterPoll(() => {
      const left = this.#left;
      if (left > 0) return this.#wait(left);
      this.touch();
      this.#wait(this.#limit);
      this.#onSilence();
    });
  }
}
