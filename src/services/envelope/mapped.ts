const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

// Not generators: while one waits for the next item, it cannot be left, nor can what it reads.

/** The same items, each made into another when it is read. If that throws, the rest is left. */
export function mapped<From, To>(from: Iterable<From>, to: (value: From) => To): Iterable<To> {
  return {
    [Symbol.iterator]() {
      const iterator = from[Symbol.iterator]();
      return {
        next() {
          const result = iterator.next();
          if (result.done) return DONE as IteratorResult<To>;
          try {
            return { done: false, value: to(result.value) };
          } catch (error) {
            leave(iterator);
            throw error;
          }
        },
        return() {
          iterator.return?.();
          return DONE as IteratorResult<To>;
        },
      };
    },
  };
}

/** The same of asynchronous items. */
export function mappedLater<From, To>(
  from: AsyncIterable<From>,
  to: (value: From) => To,
): AsyncIterable<To> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = from[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          if (result.done) return DONE as IteratorResult<To>;
          try {
            return { done: false, value: to(result.value) };
          } catch (error) {
            leave(iterator);
            throw error;
          }
        },
        async return() {
          await iterator.return?.();
          return DONE as IteratorResult<To>;
        },
      };
    },
  };
}

async function leave(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // What it is left for is told.
  }
}
