import { type Made, madeBy } from "../../rpc/made.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The same items, synchronous or not, each made into another when it is read. If that throws, the
 * rest is left. `undefined` for what is no iterable.
 */
export function mapped<To>(
  items: unknown,
  to: (item: unknown) => To,
): AsyncIterable<To> | Iterable<To> | undefined {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(items);
  // Not generators: while one waits for the next item, it cannot be left, nor can what it reads.
  if (typeof later === "function") {
    return {
      [Symbol.asyncIterator]() {
        return new Mapped(later.call(items), to);
      },
    };
  }
  if (typeof now !== "function") return undefined;
  return {
    [Symbol.iterator]() {
      const iterator: Iterator<unknown> = now.call(items);
      return {
        next: () => given(iterator, iterator.next(), to),
        return() {
          iterator.return?.();
          return DONE as IteratorResult<To>;
        },
      };
    },
  };
}

class Mapped<To> implements AsyncIterator<To>, Made<To> {
  readonly source: AsyncIterator<unknown>;
  readonly #to: (item: unknown) => To;

  constructor(source: AsyncIterator<unknown>, to: (item: unknown) => To) {
    this.source = source;
    this.#to = to;
    madeBy(this, this);
  }

  /** An end, or an error, is the source's own. */
  get over(): boolean {
    return false;
  }

  given(result: IteratorResult<unknown>): IteratorResult<To> {
    return given(this.source, result, this.#to);
  }

  thrown(error: unknown): never {
    throw error;
  }

  async next(): Promise<IteratorResult<To>> {
    return this.given(await this.source.next());
  }

  async return(): Promise<IteratorResult<To>> {
    await this.source.return?.();
    return DONE as IteratorResult<To>;
  }
}

/** What an iterator has given, made into another. */
function given<To>(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  result: IteratorResult<unknown>,
  to: (item: unknown) => To,
): IteratorResult<To> {
  if (result.done) return DONE as IteratorResult<To>;
  try {
    return { done: false, value: to(result.value) };
  } catch (error) {
    leave(iterator);
    throw error;
  }
}

async function leave(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // What it is left for is told.
  }
}
