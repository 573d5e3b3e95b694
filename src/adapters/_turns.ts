import { setImmediate } from "node:timers";

/** How many writes in a row may succeed at once before other work gets its turn. */
const WRITES_A_TURN = 16;

/**
 * Counts writes that the system took at once. Everything between two such writes can
 * be microtasks alone, and then timers and other sockets would wait for ever: every
 * so often the writer waits for the event loop.
 */
export class Turns {
  #writes = 0;

  /** Call after each write that was taken at once, and return what it returns. */
  next(): void | Promise<void> {
    if (++this.#writes < WRITES_A_TURN) return;
    this.#writes = 0;
    return new Promise((resolve) => void setImmediate(resolve));
  }
}
