import { copy } from "@std/bytes";

const EMPTY = new Uint8Array(0);
/** Pieces of at least this many bytes are kept as they came; smaller ones are copied together. */
const LARGE = 8 * 1024;
/** How many bytes are copied together before they become a piece of their own. */
const MAX_TAIL = 64 * 1024;

/**
 * The beginning of a message whose end has not arrived.
 *
 * It grows with the bytes that arrive, never with what a peer announces: large pieces are
 * kept as they came, small ones are copied together, and all are joined when half of the
 * message is there. So a byte is copied once or, in a small piece, twice. The memory is
 * handed over with the message, which may hold views of it, and never reused.
 */
export class ReceiveBuffer {
  /** Everything except what is in the tail. */
  #pieces: Uint8Array[] = [];
  /** The memory that small pieces are copied to, and how much of it is used. */
  #tail: Uint8Array = EMPTY;
  #used = 0;
  /** Whether `bytes` has been read, as happens repeatedly if the message's length is unknown. */
  #looked = false;
  /** How many bytes are held. */
  length = 0;

  /** The held bytes, in one piece. */
  get bytes(): Uint8Array {
    this.#looked = true;
    if (this.#pieces.length > 0) this.#join(this.length);
    return this.#tail.subarray(0, this.#used);
  }

  /** Appends `bytes`; `expected` is how long the message can become, as far as known. */
  append(bytes: Uint8Array, expected: number): void {
    const length = this.length + bytes.length;
    if (this.#pieces.length > 0 && length * 2 >= expected) this.#join(Math.max(length, expected));
    if (this.#used + bytes.length > this.#tail.length) {
      // If it will be read again, doubling saves joining the pieces each time.
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

  /** Releases the memory. */
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

  /** Joins the pieces, with room for `size` bytes. */
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
