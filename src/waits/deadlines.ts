import { afterPoll } from "./after_poll.ts";

/** The longest delay, in milliseconds, that timers take on every runtime. */
const MAX_DELAY = 2 ** 31 - 1;
/**
 * The timer outlives the last deadline by so many microtasks: who makes one call after the other
 * makes the next within these, and needs no timer of its own then.
 */
const KEPT = 8;

/** When something is due, while it is among {@linkcode Deadlines}. */
export interface Deadline<Owner> {
  readonly owner: Owner;
  readonly due: number;
  isSet: boolean;
  before: Deadline<Owner> | undefined;
  after: Deadline<Owner> | undefined;
}

/**
 * The deadlines of one connection's calls, with one timer for all: runtimes take longer to set and
 * clear one for each than for the rest of a call.
 *
 * Nearly all are cleared before they are due. So setting and clearing are links in a list, and
 * the timer is left as it is, even if it was for one that has been cleared: it looks again then.
 * Only when a sooner one is set does it move, and when none is left it goes.
 *
 * Times are those of `performance.now()`, in whole milliseconds, which engines keep without a box.
 */
export class Deadlines<Owner> {
  readonly #onDue: (owner: Owner) => void;
  readonly #afterPoll: boolean;
  #first: Deadline<Owner> | undefined;
  #last: Deadline<Owner> | undefined;
  /** Whether they are due one after the other, as those with the same time-out are. */
  #inOrder = true;
  /** No deadline is due before this, when the timer fires; -Infinity while those due are told. */
  #looksAt = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Cancels the wait for what has arrived. */
  #cancel: (() => void) | undefined;
  /** For how many microtasks there has been none; 0 if nobody counts. */
  #unused = 0;

  /**
   * Calls back for each that has passed, which is cleared then; with `afterPoll`, only once what
   * had arrived by then has been read.
   */
  constructor(onDue: (owner: Owner) => void, options: { readonly afterPoll: boolean }) {
    this.#onDue = onDue;
    this.#afterPoll = options.afterPoll;
  }

  /** Sets one that is due after so many milliseconds. */
  after(timeout: number, owner: Owner): Deadline<Owner> {
    const now = performance.now();
    return this.at(Math.floor(now) + timeout, owner, now);
  }

  /** Sets one that is due at that time. */
  at(due: number, owner: Owner, now: number): Deadline<Owner> {
    const before = this.#last;
    const deadline: Deadline<Owner> = { owner, due, isSet: true, before, after: undefined };
    if (before === undefined) {
      this.#first = deadline;
    } else {
      before.after = deadline;
      if (due < before.due) this.#inOrder = false;
    }
    this.#last = deadline;
    if (due < this.#looksAt) this.#lookAt(due, now);
    return deadline;
  }

  /** Clears one, unless it has been cleared. */
  clear(deadline: Deadline<Owner>): void {
    if (!deadline.isSet) return;
    deadline.isSet = false;
    const { before, after } = deadline;
    deadline.before = deadline.after = undefined;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    if (this.#first !== undefined) return;
    this.#inOrder = true;
    if (this.#unused === 0) this.#letGo();
    else this.#unused = 1;
  }

  /** Lets the timer go, if nobody needs it within a few microtasks. */
  readonly #letGo = () => {
    if (this.#first !== undefined) {
      this.#unused = 0;
    } else if (++this.#unused <= KEPT) {
      queueMicrotask(this.#letGo);
    } else {
      this.#unused = 0;
      this.#looksAt = Infinity;
      clearTimeout(this.#timer);
      this.#cancel?.();
      this.#cancel = undefined;
    }
  };

  #lookAt(due: number, now: number): void {
    clearTimeout(this.#timer);
    this.#looksAt = Math.min(due, Math.floor(now) + MAX_DELAY);
    this.#timer = setTimeout(this.#look, Math.max(0, Math.ceil(this.#looksAt - now)));
  }

  readonly #look = () => {
    // Timers may fire a little early, and a program's tests may have the clock stand still.
    const now = Math.max(this.#looksAt, performance.now());
    const soonest = this.#soonest();
    if (soonest > now) return this.#lookAt(soonest, now);
    this.#looksAt = -Infinity;
    if (this.#afterPoll) this.#cancel = afterPoll(() => this.#tell(now));
    else this.#tell(now);
  };

  /** When the next one is due. */
  #soonest(): number {
    if (this.#inOrder) return this.#first?.due ?? Infinity;
    let soonest = Infinity;
    let latest = -Infinity;
    this.#inOrder = true;
    for (let each = this.#first; each !== undefined; each = each.after) {
      if (each.due < soonest) soonest = each.due;
      if (each.due < latest) this.#inOrder = false;
      else latest = each.due;
    }
    return soonest;
  }

  /** Tells of those that were due at that time. */
  #tell(at: number): void {
    this.#cancel = undefined;
    const due: Deadline<Owner>[] = [];
    for (let each = this.#first; each !== undefined; each = each.after) {
      if (each.due <= at) due.push(each);
      else if (this.#inOrder) break;
    }
    try {
      for (const each of due) {
        // Whoever was told before may have cleared it.
        if (!each.isSet) continue;
        this.clear(each);
        this.#onDue(each.owner);
      }
    } finally {
      this.#looksAt = Infinity;
      if (this.#first !== undefined) this.#lookAt(this.#soonest(), Math.max(at, performance.now()));
    }
  }
}
