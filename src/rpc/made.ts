// What services and both ends of RPCs know of the iterators between them.
/** Where an iterator has how its items are made. Not a member, which bundlers could not leave out. */
const MADE: unique symbol = Symbol("made");

/**
 * How the items of an iterator are made of those of another. Who sends them asks that other one by
 * itself: a promise and a microtask less for each.
 */
export interface Made<out Item> {
  /** The iterator that is asked. */
  readonly source: AsyncIterator<unknown>;
  /** Whether it is not asked any more: what may still come comes from `next()`. */
  readonly over: boolean;
  /** What comes next as the source has given this. */
  given(result: IteratorResult<unknown>): IteratorResult<Item>;
  /** What comes next as the source, or {@linkcode given}, has thrown this. */
  thrown(error: unknown): IteratorResult<Item>;
}

/** Tells who reads an iterator how its items are made. */
export function madeBy<Item>(iterator: AsyncIterator<Item>, made: Made<Item>): void {
  (iterator as { [MADE]?: Made<Item> })[MADE] = made;
}

/** How the items of an iterator are made, if that is known. */
export function madeOf<Item>(iterator: AsyncIterator<Item>): Made<Item> | undefined {
  return (iterator as { readonly [MADE]?: Made<Item> })[MADE];
}
