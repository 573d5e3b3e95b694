/** Arrays of up to this many places are kept, even if empty. */
const KEPT_PLACES = 1024;

/** In the place of an item. */
const NONE: unique symbol = Symbol("none");

/**
 * A queue whose memory follows its contents, even if it is never empty. An item that comes when
 * there is no other needs no array: most queues of most connections never have two.
 */
export class Fifo<Item> {
  /** How many items there are. */
  length = 0;
  /** The item that came when there was no other, while it is here. */
  #lone: Item | typeof NONE = NONE;
  /** All others, once there has been one. */
  #others: Arrays<Item> | undefined;

  /** Adds an item. */
  push(item: Item): void {
    if (this.length++ === 0) this.#lone = item;
    else (this.#others ??= new Arrays()).push(item);
  }

  /** The oldest item. There must be one. */
  peek(): Item {
    return this.#lone === NONE ? this.#others!.peek() : this.#lone;
  }

  /** Takes the oldest item. There must be one. */
  shift(): Item {
    this.length--;
    const item = this.#lone;
    if (item === NONE) return this.#others!.shift();
    this.#lone = NONE;
    return item;
  }

  /** Drops all items. */
  clear(): void {
    this.length = 0;
    this.#lone = NONE;
    this.#others = undefined;
  }
}

/**
 * Items are added to one array and taken from another, and the two swap when the second is used
 * up.
 *
 * The arrays keep their lengths meanwhile: engines free an array's memory when it is
 * shortened, and growing it again would cost more than everything else.
 */
class Arrays<Item> {
  #incoming: (Item | undefined)[] = [];
  #added = 0;
  #outgoing: (Item | undefined)[] = [];
  /** Where the outgoing items begin and end. */
  #head = 0;
  #end = 0;

  push(item: Item): void {
    this.#incoming[this.#added++] = item;
  }

  peek(): Item {
    if (this.#head === this.#end) this.#turnOver();
    return this.#outgoing[this.#head]!;
  }

  shift(): Item {
    const item = this.peek();
    this.#outgoing[this.#head++] = undefined;
    return item;
  }

  #turnOver(): void {
    const used = this.#outgoing;
    this.#outgoing = this.#incoming;
    this.#end = this.#added;
    this.#incoming = used.length > KEPT_PLACES && used.length > 2 * this.#end ? [] : used;
    this.#head = this.#added = 0;
  }
}
