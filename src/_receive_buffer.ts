import { copy } from "@std/bytes";

const EMPTY = new Uint8Array(0);

/**
 * The beginning of a message whose end has not arrived.
 *
 * It grows with the bytes that come, never with what a peer announces, and by
 * doubling, so that a message is copied three times over at the most. Its memory is given away
 * with the message (which may hold views of it) and never used again.
 */
export class ReceiveBuffer {
  #memory: Uint8Array = EMPTY;
  /** How many bytes are held. */
  length = 0;

  /** What is held. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.length);
  }

  /** Appends a copy of `bytes`; `expected` is how long the message can become, as far as is known. */
  append(bytes: Uint8Array, expected: number): void {
    const length = this.length + bytes.length;
    if (length > this.#memory.length) {
      const doubled = Math.max(length, this.#memory.length * 2);
      const grown = new Uint8Array(Math.max(length, Math.min(doubled, expected)));
      copy(this.bytes, grown);
      this.#memory = grown;
    }
    copy(bytes, this.#memory, this.length);
    this.length = length;
  }

  /** Lets go of the memory. */
  clear(): void {
    this.#memory = EMPTY;
    this.length = 0;
  }
}
