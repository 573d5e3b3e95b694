/** What waits in a {@linkcode WaitingLine}. */
export interface Waiting {
  /** Whether it has left the line before its turn; kept by {@linkcode WaitingLine.leave}. */
  left: boolean;
}

/** An array of so many places is kept when nobody waits. */
const KEPT_PLACES = 1024;

/**
 * A queue that items may leave before their turn. Those stay in it, and are passed over,
 * until they are more than half of it: so leaving costs no search, and the memory follows
 * what waits.
 */
export class WaitingLine<Item extends Waiting> {
  #items: (Item | undefined)[] = [];
  /** Where those begin that have not had their turn, and where they end. */
  #head = 0;
  #end = 0;
  /** How many wait. */
  length = 0;

  /** Adds an item behind all others. */
  push(item: Item): void {
    this.#items[this.#end++] = item;
    this.length++;
  }

  /** Takes the item whose turn it is; `undefined` if none waits. */
  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    let item = this.#take();
    while (item.left) item = this.#take();
    this.length--;
    this.#tidy();
    return item;
  }

  /** Takes an item that waits out of its turn. */
  leave(item: Item): void {
    item.left = true;
    this.length--;
    this.#tidy();
  }

  /** Takes all items, in their order. */
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
      // Those that have left are still there.
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
