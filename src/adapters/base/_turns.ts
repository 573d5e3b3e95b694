import { setImmediate } from "node:timers";

/** How many writes in a row may succeed at once before yielding to the event loop. */
const WRITES_A_TURN = 16;

/**
 * Counts writes that the system took at once. Between two such writes there may be only
 * microtasks, which would starve timers and other sockets, so every so often the writer
 * yields to the event loop.
 */
export class Turns {
  #writes = 0;

  /** Call it after each write that was taken at once, and return what it returns. */
  next(): void | Promise<void> {
    if (++this.#writes < WRITES_A_TURN) return;
    this.#writes = 0;
    return new Promise((resolve) => void setImmediate(resolve));
  }
}
