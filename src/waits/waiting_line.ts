/** An item of a {@linkcode WaitingLine}. */
export interface Waiting {
  /** Whether it has left the line before its turn; set by {@linkcode WaitingLine.leave}. */
  left: boolean;
}

/** An array of up to this many places is kept while nothing waits. */
const KEPT_PLACES = 1024;

/**
 * A queue that items may leave before their turn. Those that left stay in the array, and
 * are skipped, until they make up more than half of it: so leaving needs no search, and
 * memory still follows the number that wait.
 */
export class WaitingLine<Item extends Waiting> {
  #items: (Item | undefined)[] = [];
  /** Where the items that have not had their turn begin and end. */
  #head = 0;
  #end = 0;
  /** How many items are waiting. */
  length = 0;

  /** Adds an item at the end. */
  push(item: Item): void {
    this.#items[this.#end++] = item;
    this.length++;
  }

  /** Takes the item whose turn it is; `undefined` if none is waiting. */
  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    let item = this.#take();
    while (item.left) item = this.#take();
    this.length--;
    this.#tidy();
    return item;
  }

  /** Removes a waiting item before its turn. */
  leave(item: Item): void {
    item.left = true;
    this.length--;
    this.#tidy();
  }

  /** Takes all items, in order. */
  *drain(): Generator<Item> {
    for (let item = this.shift(); item !== undefined; item = this.shift()) yield item;
  }

  #take(): Item {
    const item = this.#items[this.#head]!;
    this.#items[this.#head++] = undefined;
    return item;
  }

  #tidy(): void {
    if (this.length === 0) {
      // Items that have left are still in the array.
      if (this.#end > KEPT_PLACES) this.#items = [];
      else for (; this.#head < this.#end; this.#head++) this.#items[this.#head] = undefined;
      this.#head = this.#end = 0;
    } else if (this.#end > 2 * this.length + 64) {
      this.#items = this.#items.filter((item) => item !== undefined && !item.left);
      this.#head = 0;
      this.#end = this.length;
    }
  }
}
