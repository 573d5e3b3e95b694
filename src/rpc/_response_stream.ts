import { Fifo } from "../fifo.ts";
import { rejected } from "./_awaited.ts";

/** A `next()` that is waiting for an item. */
interface Reader<Item> {
  readonly resolve: (result: IteratorResult<Item, undefined> | Promise<never>) => void;
}

/**
 * The responses of a streaming RPC: a bounded queue between the connection and the loop
 * that reads them.
 */
export class ResponseStream<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #max: number;
  readonly #onLeave: () => void;
  readonly #items = new Fifo<Item>();
  readonly #readers: Reader<Item>[] = [];
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  /** Lets the connection resume reading, if it was stopped at the limit. */
  #goOn: (() => void) | undefined;

  /** `onLeave` is called when the reader leaves before the end. */
  constructor(max: number, onLeave: () => void) {
    this.#max = max;
    this.#onLeave = onLeave;
  }

  /** Adds an item; at the limit, returns a promise that settles when there is room again. */
  push(item: Item): void | Promise<void> {
    const reader = this.#readers.shift();
    if (reader) return reader.resolve({ done: false, value: item });
    this.#items.push(item);
    if (this.#items.length < this.#max) return;
    return new Promise((resolve) => this.#goOn = resolve);
  }

  /** No more items will come. */
  end(): void {
    this.#state = "ended";
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE);
  }

  /** No more items will come: the queued ones can still be read, then the error. */
  fail(error: unknown): void {
    // The reader has left already.
    if (this.#state === "ended") return;
    const reader = this.#readers.shift();
    if (reader) {
      // One reader gets the error; for those behind it, the stream has ended.
      reader.resolve(rejected(error));
      return this.end();
    }
    this.#state = "failed";
    this.#error = error;
    this.#release();
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#shift() });
    if (this.#state === "ended") return Promise.resolve(DONE);
    if (this.#state === "failed") {
      this.#state = "ended";
      return rejected(this.#error);
    }
    return new Promise((resolve) => this.#readers.push({ resolve }));
  }

  return(): Promise<IteratorResult<Item, undefined>> {
    if (this.#state === "open") this.#onLeave();
    this.#items.clear();
    this.end();
    this.#release();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #shift(): Item {
    const item = this.#items.shift();
    // Only at half, or the connection would stop and start for each item.
    if (this.#goOn && this.#items.length <= this.#max / 2) this.#release();
    return item;
  }

  #release(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
