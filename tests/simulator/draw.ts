import { Random } from "../support/random.ts";

/** Draws what a run consists of from its seed. */
export class Draw extends Random {
  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Whether something with so many chances in 100 is so. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** What `make` makes, so many times. */
  times<T>(count: number, make: (at: number) => T): T[] {
    return Array.from({ length: count }, (_, at) => make(at));
  }
}
