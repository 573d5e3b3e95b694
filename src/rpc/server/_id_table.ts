import type { RpcId } from "../message.ts";

const MIN_PLACES = 4;
/** The size that is kept when the table is empty. */
const KEPT_PLACES = 1024;
/** The places of a table that has had no item. */
const NONE: never[] = [];

/**
 * Finds items by ids that a peer has chosen: a hash table with open addressing. See
 * `CallTable` for why this is not a `Map`.
 */
export class IdTable<Item extends { readonly id: RpcId }> {
  #places: (Item | undefined)[] = NONE;
  #size = 0;
  /** For both halves of an id: a peer that does not know them cannot choose ids that collide. */
  readonly #low = oddFactor();
  readonly #high = oddFactor();

  /** Adds an item, replacing any other with the same id. */
  set(item: Item): void {
    if (this.#size * 2 >= this.#places.length) {
      this.#resize(Math.max(MIN_PLACES, this.#places.length * 2));
    }
    const place = this.#find(item.id);
    if (this.#places[place] === undefined) this.#size++;
    this.#places[place] = item;
  }

  /** The item of that id. */
  get(id: RpcId): Item | undefined {
    if (this.#size === 0) return undefined;
    return this.#places[this.#find(id)];
  }

  /** Removes an item, if it is there. */
  delete(item: Item): void {
    if (this.#size === 0) return;
    let free = this.#find(item.id);
    const places = this.#places;
    if (places[free] !== item) return;
    const mask = places.length - 1;
    // Move back items that were displaced past this place.
    for (let at = free + 1 & mask; places[at] !== undefined; at = at + 1 & mask) {
      const distance = at - this.#home(places[at]!.id) & mask;
      if (distance < (at - free & mask)) continue;
      places[free] = places[at];
      free = at;
    }
    places[free] = undefined;
    this.#size--;
    if (this.#size === 0 && places.length > KEPT_PLACES) this.#resize(MIN_PLACES);
  }

  /** The index where the item of that id is, or would go. */
  #find(id: RpcId): number {
    const mask = this.#places.length - 1;
    let at = this.#home(id);
    for (let item = this.#places[at]; item !== undefined && item.id !== id;) {
      at = at + 1 & mask;
      item = this.#places[at];
    }
    return at;
  }

  /** Of a product the upper bits are taken, in which all bits of an id count. */
  #home(id: RpcId): number {
    const product = typeof id === "number" && (id | 0) === id
      ? Math.imul(id, this.#low)
      : this.#product(id);
    return product >>> Math.clz32(this.#places.length - 1);
  }

  #product(id: RpcId): number {
    const low = Number(BigInt(id) & 0xffffffffn);
    const high = Number(BigInt(id) >> 32n & 0xffffffffn);
    return Math.imul(low, this.#low) + Math.imul(high, this.#high);
  }

  #resize(length: number): void {
    const items = this.#places;
    this.#places = new Array<Item | undefined>(length).fill(undefined);
    for (const item of items) if (item) this.#places[this.#find(item.id)] = item;
  }
}

/** As an integer of 32 bits, with its sign, which takes no memory besides. */
function oddFactor(): number {
  return Math.floor(Math.random() * 2 ** 31) * 2 + 1 | 0;
}
