import { setImmediate } from "node:timers";

/** How many bytes begin their way in a turn of the event loop before others get one of their own. */
const BYTES_A_TURN = 1024;

/**
 * Spreads what several connections have read at once over turns of the event loop.
 *
 * Deno settles all reads that are done in one turn, and then the microtasks of all of them
 * are run in alternation: the first answer leaves when all are made, and the other end
 * waits so long. With a turn each it has the first to work on meanwhile; with 256 rpcs in
 * flight over four connections that was 770,000 rpcs a second instead of 550,000.
 */
export class ReadTurns {
  #bytes = 0;
  /** The turn that is being filled, unless it is the present one. */
  #turn: Promise<void> | undefined;

  /** Call when a read is done, and wait for what it returns. */
  next(bytes: number): void | Promise<void> {
    if (this.#bytes === 0) {
      // The other reads that are done have their microtasks in the queue before this one.
      queueMicrotask(() => {
        this.#bytes = 0;
        this.#turn = undefined;
      });
    } else if (this.#bytes >= BYTES_A_TURN) {
      this.#bytes = 0;
      this.#turn = new Promise((resolve) => void setImmediate(resolve));
    }
    this.#bytes += bytes;
    return this.#turn;
  }
}
