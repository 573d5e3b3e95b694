import { collector } from "./collector.ts";
import { turn } from "./within.ts";

/** Counts which of many objects are still held by something: a timer, a listener, a promise. */
export class Retained {
  readonly #seen: WeakRef<object>[] = [];

  /** How many it has been shown. */
  get seen(): number {
    return this.#seen.length;
  }

  readonly watch = (object: object): void => void this.#seen.push(new WeakRef(object));

  /** How many are left, once it has been tried to collect them: all but `allowed`, or it takes its time. */
  async left(allowed: number): Promise<number> {
    const collect = collector();
    for (let tries = 0;; tries++) {
      await turn();
      collect();
      const left = this.#seen.filter((seen) => seen.deref() !== undefined).length;
      if (left <= allowed || tries === 100) return left;
    }
  }
}
