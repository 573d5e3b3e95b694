/** How many places there are at first. */
const MIN_PLACES = 64;
/** So many are kept when there is no call: answers come in batches, so that happens often. */
const KEPT_PLACES = 1024;

/** A call as the table knows it. */
export interface Numbered {
  /** Given by {@linkcode CallTable.add}. */
  id: number;
}

/**
 * The calls in flight of a connection, by ids that it gives out: the lower bits of an id
 * are a call's place in an array. A `Map` costs several times as much, most of it in the
 * garbage collector: those of V8 keep what has been deleted from them alive for a while.
 */
export class CallTable<Call extends Numbered> {
  #places = new Array<Call | undefined>(MIN_PLACES).fill(undefined);
  #lastId = 0;
  /** How many calls there are. */
  size = 0;

  /** Adds a call, and gives it an id: higher than all before, and not always the next one. */
  add(call: Call): void {
    if (this.size * 2 >= this.#places.length) this.#resize(this.#places.length * 2);
    const places = this.#places;
    let id = this.#lastId + 1;
    // At least half of the places are free.
    while (places[id & places.length - 1] !== undefined) id++;
    places[id & places.length - 1] = call;
    call.id = this.#lastId = id;
    this.size++;
  }

  /** The call of that id. */
  get(id: number): Call | undefined {
    const call = this.#places[id & this.#places.length - 1];
    return call?.id === id ? call : undefined;
  }

  /** Takes a call out that is there. */
  delete({ id }: Call): void {
    this.#places[id & this.#places.length - 1] = undefined;
    this.size--;
    if (this.size === 0 && this.#places.length > KEPT_PLACES) this.#resize(MIN_PLACES);
  }

  /** All calls, in the order in which they were added. */
  values(): Call[] {
    return this.#places.filter((call) => call !== undefined).sort((a, b) => a.id - b.id);
  }

  #resize(length: number): void {
    const places = new Array<Call | undefined>(length).fill(undefined);
    // Ids whose lower bits differ differ with one bit more as well.
    for (const call of this.#places) if (call) places[call.id & length - 1] = call;
    this.#places = places;
  }
}
