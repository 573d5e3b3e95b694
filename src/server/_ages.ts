import { MAX_DELAY } from "../check.ts";
import type { ServedConnection } from "./served_connection.ts";

/** How much of an age is random, in each direction. */
const JITTER = 0.1;

function ignore(): void {}

/** Drains connections when they have reached an age. */
export class Ages {
  readonly #max: number;
  readonly #grace: number;

  /** Both in milliseconds; 0 is no limit. */
  constructor(max: number, grace: number) {
    this.#max = max;
    this.#grace = grace || MAX_DELAY;
  }

  /** A connection has been accepted. Returns what to call when it has ended. */
  begin(connection: ServedConnection): () => void {
    if (this.#max === 0) return ignore;
    const age = this.#max * (1 - JITTER + 2 * JITTER * Math.random());
    const timer = setTimeout(
      () => void connection.drain({ timeout: this.#grace }),
      Math.min(age, MAX_DELAY),
    );
    return () => clearTimeout(timer);
  }
}
