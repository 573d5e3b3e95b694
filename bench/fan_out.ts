// Publishes messages, one after another, to all connections.
import type { Caller } from "./caller.ts";
import { histogram, record, result } from "./loops.ts";
import type { Result, Work } from "./work.ts";

/** Who listens, and how many of them have not heard the last message yet. */
export class Audience {
  readonly #callers: readonly Caller[];
  #missing = 0;
  #onAll: () => void = () => {};

  private constructor(callers: readonly Caller[]) {
    this.#callers = callers;
  }

  /** Subscribes on each connection; all have heard their first message when it resolves. */
  static async of(callers: readonly Caller[], { bytes }: Work): Promise<Audience> {
    const audience = new Audience(callers);
    const first = audience.#all();
    for (const caller of callers) {
      let expected = 0;
      caller.subscribe!((number, length) => {
        if (number !== expected || number > 0 && length !== bytes) {
          throw new Error(`${number} of ${length} bytes came instead of ${expected}`);
        }
        expected++;
        if (--audience.#missing === 0) audience.#onAll();
      });
    }
    await first;
    return audience;
  }

  async publish(work: Work): Promise<Result> {
    const latencies = histogram();
    const text = "x".repeat(work.bytes);
    const started = performance.now();
    const end = started + work.seconds * 1000;
    for (let number = 1, sent = started; sent < end; number++) {
      const all = this.#all();
      this.#callers[0]!.publish!(text, number);
      await all;
      const now = performance.now();
      record(latencies, now - sent);
      sent = now;
    }
    return result(work, latencies, started);
  }

  #all(): Promise<void> {
    this.#missing = this.#callers.length;
    return new Promise((resolve) => this.#onAll = resolve);
  }
}
