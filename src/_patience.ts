/** Milliseconds that a peer may take; 0 lets it take for ever. */
export interface PatienceLimits {
  /** Until its first message begins. */
  readonly firstMessageTimeout: number;
  /** From the first byte of a message to its last. */
  readonly messageTimeout: number;
}

/**
 * Calls back when the peer takes too long over a message. Only time in which we wait for
 * bytes counts. The clock is looked at only within a message, or before the first, and
 * one timer serves for all of them: whole messages cost neither.
 */
export class Patience {
  readonly #limits: PatienceLimits;
  readonly #onLate: (option: keyof PatienceLimits, limit: number) => void;
  /** What the peer is at: so many messages are done, and another has begun or has not. */
  #passed = 0;
  #incomplete = false;
  /** How long it has taken over that, and since when, besides, we have waited for bytes. */
  #spent = 0;
  #since = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is to fire. */
  #due = Infinity;

  /** Begins with the first call of {@linkcode waiting}. */
  constructor(
    limits: PatienceLimits,
    onLate: (option: keyof PatienceLimits, limit: number) => void,
  ) {
    this.#limits = limits;
    this.#onLate = onLate;
  }

  /** Bytes are waited for, with so many messages done, and one incomplete or none. */
  waiting(passed: number, incomplete: boolean): void {
    if (passed !== this.#passed || incomplete !== this.#incomplete) {
      this.#passed = passed;
      this.#incomplete = incomplete;
      this.#spent = 0;
    }
    const option = this.#option;
    if (option === undefined) return;
    this.#since = performance.now();
    this.#wakeAt(this.#since + this.#limits[option] - this.#spent);
  }

  /** Bytes have come, or the peer's end: until {@linkcode waiting} no time counts. */
  passing(): void {
    if (this.#since === Infinity) return;
    this.#spent += performance.now() - this.#since;
    this.#since = Infinity;
  }

  /** Never calls back again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#since = Infinity;
    this.#due = -Infinity;
  }

  /** What bounds the present wait, if anything does. */
  get #option(): keyof PatienceLimits | undefined {
    const option = this.#incomplete ? "messageTimeout" : "firstMessageTimeout";
    const bounded = this.#incomplete || this.#passed === 0;
    return bounded && this.#limits[option] > 0 ? option : undefined;
  }

  #wakeAt(time: number): void {
    if (time >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = time;
    this.#timer = setTimeout(() => this.#look(), Math.ceil(time - performance.now()));
  }

  #look(): void {
    this.#due = Infinity;
    const option = this.#option;
    if (this.#since === Infinity || option === undefined) return;
    const due = this.#since + this.#limits[option] - this.#spent;
    // A timer may come a little early.
    if (performance.now() < due) this.#wakeAt(due);
    else this.#onLate(option, this.#limits[option]);
  }
}
