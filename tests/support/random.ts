/** Draws from a seed (mulberry32): the same seed, the same draws. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * limit);
  }

  /** One of several. */
  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }
}

/** Runs `body` with many seeds, new ones each time; a failure names its seed. */
export async function withSeeds(
  count: number,
  body: (random: Random) => Promise<void>,
  first: number = Math.floor(Math.random() * 2 ** 31),
): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    try {
      await body(new Random(seed));
    } catch (cause) {
      throw new Error(`With the seed ${seed}: ${cause}`, { cause });
    }
  }
}
