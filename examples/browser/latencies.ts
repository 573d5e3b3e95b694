/** The calls of one interval; times in milliseconds. */
export interface Moment {
  readonly p50: number;
  readonly p99: number;
  /** Calls a second. */
  readonly rate: number;
}

/** Collects latencies, and summarizes them at intervals. */
export class Latencies {
  /** How many calls there have been in total. */
  total = 0;
  #latest: number[] = [];
  #since: number = performance.now();

  add(milliseconds: number): void {
    this.total++;
    this.#latest.push(milliseconds);
  }

  /** Summarizes the calls since the last time; `undefined` if none was answered. */
  take(): Moment | undefined {
    const sorted = Float64Array.from(this.#latest).sort();
    const now = performance.now();
    const rate = sorted.length / (now - this.#since) * 1000;
    this.#latest = [];
    this.#since = now;
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]!;
    return sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99), rate };
  }
}
