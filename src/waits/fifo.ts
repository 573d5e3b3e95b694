/** Arrays of up to this many places are kept, even if empty. */
const KEPT_PLACES = 1024;

/**
 * A queue whose memory follows its contents, even if it is never empty: items are added to
 * one array and taken from another, and the two swap when the second is used up.
 *
 * The arrays keep their lengths meanwhile: engines free an array's memory when it is
 * shortened, and growing it again would cost more than everything else.
 */
export class Fifo<Item> {
  #incoming: (Item | undefined)[] = [];
  #added = 0;
  #outgoing: (Item | undefined)[] = [];
  /** Where the outgoing items begin and end. */
  #head = 0;
  #end = 0;

  /** How many items there are. */
  get length(): number {
    return this.#added + this.#end - this.#head;
  }

  /** Adds an item. */
  push(item: Item): void {
    this.#incoming[this.#added++] = item;
  }

  /** The oldest item. There must be one. */
  peek(): Item {
    if (this.#head === this.#end) this.#turnOver();
    return this.#outgoing[this.#head]!;
  }

  /** Takes the oldest item. There must be one. */
  shift(): Item {
    const item = this.peek();
    this.#outgoing[this.#head++] = undefined;
    return item;
  }

  /** Drops all items. */
  clear(): void {
    this.#incoming = [];
    this.#outgoing = [];
    this.#added = this.#head = this.#end = 0;
  }

  #turnOver(): void {
    const used = this.#outgoing;
    this.#outgoing = this.#incoming;
    this.#end = this.#added;
    this.#incoming = used.length > KEPT_PLACES && used.length > 2 * this.#end ? [] : used;
    this.#head = this.#added = 0;
  }
}
