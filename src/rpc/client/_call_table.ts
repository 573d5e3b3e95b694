/** The initial size of the table. */
const MIN_PLACES = 8;
/** How many ids are remembered at the least. */
const MIN_REMEMBERED = 64;
/** The size that is kept when the table is empty, which is often: responses come in batches. */
const KEPT_PLACES = 1024;

/** An entry of the table. */
export interface Numbered {
  /** Assigned by {@linkcode CallTable.add}. */
  id: number;
}

/**
 * A connection's calls in flight, by ids that the table assigns: above the lowest bit, which
 * the caller chooses, the lower bits of an id are the call's index in an array. A `Map` costs
 * several times as much, mostly in the garbage collector: V8's maps keep deleted entries alive
 * for a while.
 */
export class CallTable<Call extends Numbered> {
  #places = new Array<Call | undefined>(MIN_PLACES).fill(undefined);
  /** By what would be their places if there were as many, ids of calls that were removed. */
  #remembered: Float64Array | undefined;
  #last = 0;
  /** How many calls there are. */
  size = 0;

  /** Adds a call and assigns its id, odd or even: higher than all before, but not always by two. */
  add(call: Call, odd: boolean): void {
    if (this.size * 2 >= this.#places.length) this.#resize(this.#places.length * 2);
    const places = this.#places;
    let number = this.#last + 1;
    // This ends: at least half of the places are free.
    while (places[number & places.length - 1] !== undefined) number++;
    places[number & places.length - 1] = call;
    this.#last = number;
    call.id = number * 2 + (odd ? 1 : 0);
    this.size++;
  }

  /** The call of that id. */
  get(id: number): Call | undefined {
    const call = this.#places[this.#placeOf(id)];
    return call?.id === id ? call : undefined;
  }

  /** Removes a call that is in the table. */
  delete({ id }: Call): void {
    this.#places[this.#placeOf(id)] = undefined;
    this.size--;
    if (this.size === 0 && this.#places.length > KEPT_PLACES) this.#resize(MIN_PLACES);
  }

  /** Remembers the id of a call for a while, until its place is taken by another such id. */
  remember(id: number): void {
    this.#remembered ??= new Float64Array(Math.max(MIN_REMEMBERED, this.#places.length));
    this.#remembered[id / 2 & this.#remembered.length - 1] = id;
  }

  /** Whether that id is remembered, which it is not any more after this. */
  recall(id: number): boolean {
    if (this.#remembered === undefined || id === 0) return false;
    const place = id / 2 & this.#remembered.length - 1;
    if (this.#remembered[place] !== id) return false;
    this.#remembered[place] = 0;
    return true;
  }

  /** All calls, in the order in which they were added. */
  values(): Call[] {
    return this.#places.filter((call) => call !== undefined).sort((a, b) => a.id - b.id);
  }

  #placeOf(id: number): number {
    // Not by a shift, which would take 32 bits of the id first.
    return id / 2 & this.#places.length - 1;
  }

  #resize(length: number): void {
    const places = this.#places;
    this.#places = new Array<Call | undefined>(length).fill(undefined);
    // Made again, as long as the table, when an id is to be remembered.
    if (this.#remembered?.length !== Math.max(MIN_REMEMBERED, length)) this.#remembered = undefined;
    // Ids that differ in their lower bits also differ with one bit more: no collisions.
    for (const call of places) if (call) this.#places[this.#placeOf(call.id)] = call;
  }
}
