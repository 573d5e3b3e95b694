/** Arrays of so many places are kept, whatever is in them. */
const KEPT_PLACES = 1024;

/**
 * A queue whose memory follows what is in it, also if it is never empty: items are
 * added to one array and taken from another, and the two change places when the
 * second has been used up.
 *
 * The arrays keep their lengths meanwhile: engines let go of what an array has when it is
 * shortened, and to make it grow again costs more than all the rest.
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
