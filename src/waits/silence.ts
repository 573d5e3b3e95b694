import { afterPoll } from "./after_poll.ts";

/**
 * Tells its owner when nothing has happened for `limit`. An event only records the time, and one
 * timer checks it, so that events do not have to reset a timer. Where nothing is expected to
 * happen, there soon is no timer either.
 */
export class Silence {
  readonly #limit: number;
  readonly #owner: { onSilence(silence: Silence): void };
  #last = 0;
  /** Set while there is a timer, or the second look is due. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Cancels the second look, after one poll of the sockets. */
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** `limit` is in milliseconds; it starts with the first {@linkcode touch}. */
  constructor(limit: number, owner: { onSilence(silence: Silence): void }) {
    this.#limit = limit;
    this.#owner = owner;
  }

  /** Something has happened: restarts the time, which this once may be `limits` times as long. */
  touch(limits = 1): void {
    this.#last = performance.now() + (limits - 1) * this.#limit;
    if (this.#timer === undefined && !this.#stopped) this.#wait(this.#limit);
  }

  /** Pauses: nothing is expected to happen until the next {@linkcode touch}. */
  hold(): void {
    this.#last = Infinity;
  }

  /** Never calls back again. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#cancel?.();
  }

  #wait(ms: number): void {
    // Several limits may be longer than a timer can be.
    this.#timer = setTimeout(() => this.#look(), Math.min(ms, this.#limit));
  }

  #look(): void {
    if (this.#goesOn()) return;
    this.#cancel = afterPoll(() => {
      if (this.#goesOn()) return;
      this.touch();
      this.#wait(this.#limit);
      this.#owner.onSilence(this);
    });
  }

  /** Whether it is not over yet: waits for what is left of it, if it is not held. */
  #goesOn(): boolean {
    if (this.#last === Infinity) {
      this.#timer = undefined;
      return true;
    }
    // Timers may fire a little early.
    const left = Math.ceil(this.#limit - (performance.now() - this.#last));
    if (left > 0) this.#wait(left);
    return left > 0;
  }
}
