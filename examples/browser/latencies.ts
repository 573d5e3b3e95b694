/** How the calls of one moment went; times in milliseconds. */
export interface Moment {
  readonly p50: number;
  readonly p99: number;
  /** Calls a second. */
  readonly rate: number;
}

/** Gathers latencies, and sums them up from time to time. */
export class Latencies {
  /** How many there have been. */
  total = 0;
  #latest: number[] = [];
  #since: number = performance.now();

  add(milliseconds: number): void {
    this.total++;
    this.#latest.push(milliseconds);
  }

  /** What there was since the last time; nothing if no call was answered. */
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
