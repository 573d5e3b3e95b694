/** The initial size of the table. */
const MIN_PLACES = 64;
/** The size that is kept when the table is empty, which is often: responses come in batches. */
const KEPT_PLACES = 1024;

/** An entry of the table. */
export interface Numbered {
  /** Assigned by {@linkcode CallTable.add}. */
  id: number;
}

/**
 * A connection's calls in flight, by ids that the table assigns: the lower bits of an id are
 * the call's index in an array. A `Map` costs several times as much, mostly in the garbage
 * collector: V8's maps keep deleted entries alive for a while.
 */
export class CallTable<Call extends Numbered> {
  #places = new Array<Call | undefined>(MIN_PLACES).fill(undefined);
  #lastId = 0;
  /** How many calls there are. */
  size = 0;

  /** Adds a call and assigns its id: higher than all before, but not always by one. */
  add(call: Call): void {
    if (this.size * 2 >= this.#places.length) this.#resize(this.#places.length * 2);
    const places = this.#places;
    let id = this.#lastId + 1;
    // This ends: at least half of the places are free.
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

  /** Removes a call that is in the table. */
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
    // Ids that differ in their lower bits also differ with one bit more: no collisions.
    for (const call of this.#places) if (call) places[call.id & length - 1] = call;
    this.#places = places;
  }
}
