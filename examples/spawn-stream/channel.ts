// A bounded channel between one producer and one reader.

/** Hands over items in order. Its capacity is how far the producer can run ahead of the reader. */
export class Channel<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #capacity: number;
  readonly #items: Item[] = [];
  /** How it ended: with an error, or with none. */
  #end: { readonly error?: unknown } | undefined;
  #reader: (() => void) | undefined;
  #producer: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Waits while the channel is full; returns `false` once the reader has left. */
  async send(item: Item): Promise<boolean> {
    while (this.#end === undefined && this.#items.length >= this.#capacity) {
      await new Promise<void>((resolve) => this.#producer = resolve);
    }
    if (this.#end !== undefined) return false;
    this.#items.push(item);
    this.#reader?.();
    return true;
  }

  /** No more items will come: all have been sent, or the producer has failed. */
  close(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#reader?.();
    this.#producer?.();
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    while (this.#items.length === 0) {
      if (this.#end === undefined) await new Promise<void>((resolve) => this.#reader = resolve);
      else if ("error" in this.#end) throw this.#end.error;
      else return { done: true, value: undefined };
    }
    const value = this.#items.shift()!;
    this.#producer?.();
    return { done: false, value };
  }

  /** The reader leaves. */
  return(): Promise<IteratorResult<Item, undefined>> {
    this.#items.length = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
