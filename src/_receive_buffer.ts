import { copy } from "@std/bytes";

const EMPTY = new Uint8Array(0);
/** Pieces of so many bytes are kept as they came, smaller ones are copied together. */
const LARGE = 8 * 1024;
/** How many bytes are copied together before they are a piece by themselves. */
const MAX_TAIL = 64 * 1024;

/**
 * The beginning of a message whose end has not arrived.
 *
 * It grows with the bytes that come, never with what a peer announces: large pieces are kept
 * as they came, small ones are copied together, and all become one when half of the message
 * is there. So a byte is copied once or, while it is small, twice. The memory is given away
 * with the message (which may hold views of it) and never used again.
 */
export class ReceiveBuffer {
  /** All but what is in the tail. */
  #pieces: Uint8Array[] = [];
  /** Memory that is copied to, and how many bytes of it are used. */
  #tail: Uint8Array = EMPTY;
  #used = 0;
  /** Whether it has been looked at, as it is again and again where no length is known. */
  #looked = false;
  /** How many bytes are held. */
  length = 0;

  /** What is held, in one piece. */
  get bytes(): Uint8Array {
    this.#looked = true;
    if (this.#pieces.length > 0) this.#join(this.length);
    return this.#tail.subarray(0, this.#used);
  }

  /** Appends `bytes`; `expected` is how long the message can become, as far as is known. */
  append(bytes: Uint8Array, expected: number): void {
    const length = this.length + bytes.length;
    if (this.#pieces.length > 0 && length * 2 >= expected) this.#join(Math.max(length, expected));
    if (this.#used + bytes.length > this.#tail.length) {
      // What is looked at again would have to be made one piece again: it doubles instead.
      const doubles = this.#looked && this.#used >= MAX_TAIL;
      if (bytes.length >= LARGE && !doubles) {
        this.#endTail();
        this.#pieces.push(bytes);
        this.length = length;
        return;
      }
      if (this.#used >= MAX_TAIL && !doubles) this.#endTail();
      const needed = this.#used + bytes.length;
      const room = expected - length + needed;
      const most = doubles ? room : Math.min(room, MAX_TAIL);
      this.#grow(Math.max(needed, Math.min(this.#tail.length * 2, most)));
    }
    copy(bytes, this.#tail, this.#used);
    this.#used += bytes.length;
    this.length = length;
  }

  /** Lets go of the memory. */
  clear(): void {
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#tail = EMPTY;
    this.#used = this.length = 0;
    this.#looked = false;
  }

  #grow(size: number): void {
    const grown = new Uint8Array(size);
    copy(this.#tail.subarray(0, this.#used), grown);
    this.#tail = grown;
  }

  #endTail(): void {
    if (this.#used > 0) this.#pieces.push(this.#tail.subarray(0, this.#used));
    this.#tail = EMPTY;
    this.#used = 0;
  }

  /** Makes it one piece, with room for `size` bytes. */
  #join(size: number): void {
    this.#endTail();
    const joined = new Uint8Array(size);
    let at = 0;
    for (const piece of this.#pieces) at += copy(piece, joined, at);
    this.#pieces = [];
    this.#tail = joined;
    this.#used = at;
  }
}
