import type { SocketDuplex } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";

/** How many accepted connections may wait to be taken; further ones are aborted. */
const MAX_WAITING = 1024;

/** Queues the connections of a callback-based listener for whoever iterates over it. */
export class AcceptQueue {
  readonly #waiting: SocketDuplex[] = [];
  #closed = false;
  #error: TransportError | undefined;
  #wakeUp: () => void = () => {};

  /** Adds an accepted connection. */
  push(duplex: SocketDuplex): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) refuse(duplex);
    else this.#waiting.push(duplex), this.#wakeUp();
  }

  /** Ends the queue; with an error if the listener failed. */
  close(error?: TransportError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    for (const duplex of this.#waiting.splice(0)) refuse(duplex);
    this.#wakeUp();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SocketDuplex, void> {
    for (;;) {
      const duplex = this.#waiting.shift();
      if (duplex) yield duplex;
      else if (this.#error) throw this.#error;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => this.#wakeUp = resolve);
    }
  }
}

function refuse(duplex: SocketDuplex): void {
  duplex.writable.abort(
    new TransportError("closed", "The listener does not take this connection"),
  ).catch(() => {});
}
