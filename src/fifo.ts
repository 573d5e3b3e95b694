/**
 * A queue whose memory follows what is in it, also if it is never empty: items are
 * added to one array and taken from another, and the two change places when the
 * second has been used up.
 */
export class Fifo<Item> {
  #incoming: Item[] = [];
  #outgoing: Item[] = [];
  /** Where the outgoing items begin. */
  #head = 0;

  /** How many items there are. */
  get length(): number {
    return this.#incoming.length + this.#outgoing.length - this.#head;
  }

  /** Adds an item. */
  push(item: Item): void {
    this.#incoming.push(item);
  }

  /** The oldest item. There must be one. */
  peek(): Item {
    if (this.#head === this.#outgoing.length) this.#turnOver();
    return this.#outgoing[this.#head]!;
  }

  /** Takes the oldest item. There must be one. */
  shift(): Item {
    const item = this.peek();
    this.#outgoing[this.#head++] = undefined as Item;
    return item;
  }

  /** Drops all items. */
  clear(): void {
    this.#incoming.length = this.#outgoing.length = this.#head = 0;
  }

  #turnOver(): void {
    const used = this.#outgoing;
    used.length = this.#head = 0;
    this.#outgoing = this.#incoming;
    this.#incoming = used;
  }
}
