/** A stream that may know its next item at once, as those of connections do. */
interface Polled<Item> {
  /** Takes the next item, if it has arrived. */
  poll?(): Item | undefined;
}

/**
 * Takes the next item of a stream if it has arrived. Most have when there is a lot to read, and a
 * promise less for each of them counts.
 */
export function polled<Item>(stream: AsyncIterator<Item, undefined>): Item | undefined {
  return (stream as Polled<Item>).poll?.();
}
