import { setImmediate } from "node:timers";

/** How many bytes one turn of the event loop handles before further reads get another turn. */
const BYTES_A_TURN = 1024;

/**
 * Spreads what several connections have read at once over turns of the event loop.
 *
 * Deno settles all completed reads in one turn, and then the microtasks of all of them run
 * interleaved: no response leaves before all are made, and meanwhile the peer is idle. With
 * a turn each, the peer can already work on the first. With 256 RPCs in flight over four
 * connections, that was 770,000 RPCs a second instead of 550,000.
 */
export class ReadTurns {
  #bytes = 0;
  /** The turn that is being filled, unless it is the current one. */
  #turn: Promise<void> | undefined;

  /** Call it when a read is done, and await what it returns. */
  next(bytes: number): void | Promise<void> {
    if (this.#bytes === 0) {
      // The microtasks of the other completed reads are in the queue before this one.
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
