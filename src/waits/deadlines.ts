import { afterPoll } from "./after_poll.ts";

/**
 * The timer outlives the last deadline by so many microtasks: who makes one call after the other
 * makes the next within these, and needs no timer of its own then.
 */
const KEPT = 8;

/** When something is due, while it is among {@linkcode Deadlines}. */
export interface Deadline<Owner> {
  readonly owner: Owner;
  readonly due: number;
  /** Its index in the heap, or -1 if it has been cleared. */
  place: number;
}

/**
 * The deadlines of one connection's calls, with one timer for all: runtimes take longer to set and
 * clear one for each than for the rest of a call.
 *
 * Nearly all are cleared before they are due. So the timer is left as it is, even if it was for one
 * that has been cleared: it looks again then. Only when a sooner one is set does it move, and when
 * none is left it goes. They are in a heap, as a service passes on what is left of its own time:
 * there may be as many different time-outs as calls.
 *
 * Times are those of `performance.now()`, in whole milliseconds, which engines keep without a box.
 */
export class Deadlines<Owner> {
  readonly #onDue: (owner: Owner) => void;
  readonly #afterPoll: boolean;
  /** The one at (i - 1) / 2 is due no later than the one at i. */
  readonly #heap: Deadline<Owner>[] = [];
  /** When the timer fires, before which none is due; -Infinity while those due are told. */
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

  /** Sets one that is due at that time, not further away than timers can be. */
  at(due: number, owner: Owner, now: number): Deadline<Owner> {
    const deadline = { owner, due, place: -1 };
    this.#put(deadline, this.#heap.push(deadline) - 1);
    if (due < this.#looksAt) this.#lookAt(due, now);
    return deadline;
  }

  /** Clears one, unless it has been cleared. */
  clear(deadline: Deadline<Owner>): void {
    const { place } = deadline;
    if (place < 0) return;
    deadline.place = -1;
    const last = this.#heap.pop()!;
    if (last !== deadline) return this.#put(last, place);
    if (this.#heap.length > 0) return;
    if (this.#unused === 0) this.#letGo();
    else this.#unused = 1;
  }

  /** Puts one where there is room, or near it, so that none is due before the one above it. */
  #put(deadline: Deadline<Owner>, place: number): void {
    const heap = this.#heap;
    const { due } = deadline;
    while (place > 0) {
      const above = heap[(place - 1) >> 1]!;
      if (above.due <= due) break;
      heap[place] = above;
      [above.place, place] = [place, above.place];
    }
    for (;;) {
      let below = heap[2 * place + 1];
      const other = heap[2 * place + 2];
      if (other !== undefined && other.due < below!.due) below = other;
      if (below === undefined || below.due >= due) break;
      heap[place] = below;
      [below.place, place] = [place, below.place];
    }
    heap[place] = deadline;
    deadline.place = place;
  }

  /** Lets the timer go, if nobody needs it within a few microtasks. */
  readonly #letGo = () => {
    if (this.#heap.length > 0) {
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
    this.#looksAt = due;
    this.#timer = setTimeout(this.#look, Math.max(0, Math.ceil(due - now)));
  }

  readonly #look = () => {
    // Timers may fire a little early, and a program's tests may have the clock stand still.
    const now = Math.max(this.#looksAt, performance.now());
    const first = this.#heap[0];
    if (first !== undefined && first.due > now) return this.#lookAt(first.due, now);
    // There may be none if a test moves its clock on at once after the last one was cleared.
    this.#looksAt = -Infinity;
    if (this.#afterPoll) this.#cancel = afterPoll(() => this.#tell(now));
    else this.#tell(now);
  };

  /** Tells of those that were due at that time. */
  #tell(at: number): void {
    this.#cancel = undefined;
    try {
      // As many as there are: on a clock that stands still, those set meanwhile may seem due, too.
      for (let left = this.#heap.length; left > 0 && this.#heap.length > 0; left--) {
        const first = this.#heap[0]!;
        if (first.due > at) break;
        this.clear(first);
        this.#onDue(first.owner);
      }
    } finally {
      this.#looksAt = Infinity;
      if (this.#heap.length > 0) this.#lookAt(this.#heap[0]!.due, Math.max(at, performance.now()));
    }
  }
}
