import { afterPoll } from "../waits/after_poll.ts";

/** Milliseconds that a peer may take; 0 is no limit. */
export interface PatienceLimits {
  /** Until its first message begins. */
  readonly firstMessageTimeout: number;
  /** From the first byte of a message to its last. */
  readonly messageTimeout: number;
}

/**
 * Tells its owner when the peer takes too long over a message. Only time spent waiting for bytes
 * counts. The clock is read only while a message is incomplete, or before the first one,
 * and one timer serves all of them: messages that arrive whole cost neither.
 */
export class Patience {
  readonly #limits: PatienceLimits;
  readonly #owner: { onLate(option: keyof PatienceLimits, limit: number): void };
  /** How far the peer has got: how many messages are complete, and whether one has begun. */
  #passed = 0;
  #incomplete = false;
  /** How long it has taken over this message, and since when we have been waiting again. */
  #spent = 0;
  #since = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires. */
  #due = Infinity;
  /** Cancels the second look, after one poll of the sockets. */
  #cancel: (() => void) | undefined;

  /** Counts from the first call of {@linkcode waiting}. */
  constructor(
    limits: PatienceLimits,
    owner: { onLate(option: keyof PatienceLimits, limit: number): void },
  ) {
    this.#limits = limits;
    this.#owner = owner;
  }

  /** The wait for bytes begins; `passed` messages are complete, and one may be `incomplete`. */
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

  /** Bytes, or the peer's end, have arrived: no time counts until {@linkcode waiting}. */
  passing(): void {
    if (this.#since === Infinity) return;
    this.#spent += performance.now() - this.#since;
    this.#since = Infinity;
  }

  /** Never calls back again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#cancel?.();
    this.#since = Infinity;
    this.#due = -Infinity;
  }

  /** The option that limits the current wait, if any. */
  get #option(): keyof PatienceLimits | undefined {
    const option = this.#incomplete ? "messageTimeout" : "firstMessageTimeout";
    const bounded = this.#incomplete || this.#passed === 0;
    return bounded && this.#limits[option] > 0 ? option : undefined;
  }

  #wakeAt(time: number): void {
    if (time >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = time;
    // It may be over already: some runtimes warn of a negative time.
    const left = Math.max(0, Math.ceil(time - performance.now()));
    this.#timer = setTimeout(() => this.#look(), left);
  }

  /** When the peer is late; `undefined` if nothing is expected of it now. */
  get #lateAt(): number | undefined {
    const option = this.#option;
    if (this.#since === Infinity || option === undefined) return undefined;
    return this.#since + this.#limits[option] - this.#spent;
  }

  #look(): void {
    this.#due = Infinity;
    // Timers may fire a little early, or long after the bytes have come.
    if (this.#lateAt === undefined) return;
    if (performance.now() < this.#lateAt) return this.#wakeAt(this.#lateAt);
    this.#cancel = afterPoll(() => {
      const lateAt = this.#lateAt;
      const option = this.#option!;
      if (lateAt === undefined || this.#due === -Infinity) return;
      if (performance.now() < lateAt) this.#wakeAt(lateAt);
      else this.#owner.onLate(option, this.#limits[option]);
    });
  }
}
