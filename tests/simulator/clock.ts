// Virtual time: the globals that tell or wait for the time are replaced for a run.

/** Does what is left of the present turn of the real event loop, all microtasks included. */
const realImmediate = globalThis.setImmediate;

interface Timer {
  due: number;
  readonly seq: number;
  /** It arrives from a socket, rather than being a timer. */
  readonly io: boolean;
  readonly interval: number | undefined;
  callback: (() => void) | undefined;
}

type Global = Record<string, unknown>;
const REPLACED = [
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
] as const;

/**
 * A clock that stands still until all microtasks are done, and then jumps to the next timer.
 * Timers run one a turn, in the order of their times, so a run is the same each time.
 */
export class VirtualClock {
  now = 0;
  /** How many timers have run. */
  ran = 0;
  /** How much has been done, in timers, pieces and messages: what a run costs. */
  work = 0;
  #seq = 0;
  #heap: Timer[] = [];
  readonly #byId = new Map<number, Timer>();
  #frozenUntil = 0;

  /** Calls back in so many milliseconds, which may be a fraction; not counted as a timer of the code. */
  at(ms: number, callback: () => void): void {
    this.#push(this.#timer(ms, callback, false, undefined));
  }

  /** The same for what arrives from a network, which a frozen process does not see. */
  arrives(ms: number, callback: () => void): void {
    this.#push(this.#timer(ms, callback, true, undefined));
  }

  /** Resolves in so many milliseconds. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(ms, resolve));
  }

  /** The process does nothing for so long: timers fall due, and what arrives lies in the sockets. */
  freeze(ms: number): void {
    this.now += ms;
    this.#frozenUntil = this.now;
  }

  /** When the timers that the code has set, and not its surroundings, are due. */
  get left(): number[] {
    return [...this.#byId.values()].map(({ due }) => due);
  }

  /** Runs until `done`, or `until`, or nothing happens any more; returns which of them. */
  run(until: () => number, done: () => boolean): Promise<"done" | "late" | "quiet"> {
    return new Promise((resolve, reject) => {
      // Without a promise for each turn, of which a run has a thousand.
      const turn = () => {
        try {
          if (done()) return resolve("done");
          const timer = this.#pop();
          if (timer === undefined) return resolve("quiet");
          if (timer.due > until()) {
            this.#push(timer);
            return resolve("late");
          }
          this.#fire(timer);
          realImmediate(turn);
        } catch (error) {
          reject(error);
        }
      };
      realImmediate(turn);
    });
  }

  /** Replaces the globals; returns what puts them back. */
  install(random: () => number): () => void {
    const global = globalThis as unknown as Global;
    const real: Global = {};
    for (const name of REPLACED) real[name] = global[name];
    const realRandom = Math.random;
    const set = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      this.#add(Math.max(1, Math.trunc(ms) || 0), () => callback(...args), undefined);
    global.setTimeout = set;
    global.setInterval = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      this.#add(Math.max(1, ms), () => callback(...args), Math.max(1, ms));
    global.setImmediate = (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
      this.#add(0, () => callback(...args), undefined);
    const clear = (real: (id: never) => void) => (id: unknown) => {
      const timer = typeof id === "number" ? this.#byId.get(id) : undefined;
      if (timer === undefined) return typeof id === "object" && id ? real(id as never) : undefined;
      timer.callback = undefined;
      this.#byId.delete(timer.seq);
    };
    const realClear = real.clearTimeout as (id: never) => void;
    global.clearTimeout = global.clearInterval = global.clearImmediate = clear(realClear);
    Math.random = random;
    const restoreNow = replaceNow(performance, () => this.now);
    const restoreDate = replaceNow(Date, () => Math.floor(this.now));
    return () => {
      for (const name of REPLACED) global[name] = real[name];
      Math.random = realRandom;
      restoreNow();
      restoreDate();
    };
  }

  #fire(timer: Timer): void {
    this.now = Math.max(this.now, timer.due);
    this.ran++;
    this.work++;
    const { callback } = timer;
    if (timer.interval === undefined) this.#byId.delete(timer.seq);
    else {
      timer.due = this.now + timer.interval;
      this.#push(timer);
    }
    callback!();
  }

  /** Sets a timer of the code. */
  #add(ms: number, callback: () => void, interval: number | undefined): number {
    const timer = this.#timer(ms, callback, false, interval);
    this.#byId.set(timer.seq, timer);
    this.#push(timer);
    return timer.seq;
  }

  #timer(
    ms: number,
    callback: () => void,
    io: boolean,
    interval: number | undefined,
  ): Timer {
    return { due: this.now + ms, seq: ++this.#seq, io, interval, callback };
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(timer, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }

  /** The next timer that has not been cleared. */
  #pop(): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      this.#sink();
      if (first.callback === undefined) continue;
      if (!first.io || first.due >= this.#frozenUntil) return first;
      // It arrived while the process did nothing: timers come first, then the sockets.
      first.due = this.#frozenUntil + 0.01;
      this.#push(first);
    }
  }

  #sink(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.due < b.due || a.due === b.due && a.seq < b.seq;
}

function replaceNow(target: { now(): number }, now: () => number): () => void {
  const own = Object.getOwnPropertyDescriptor(target, "now");
  Object.defineProperty(target, "now", { value: now, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(target, "now", own);
    else delete (target as Partial<typeof target>).now;
  };
}
