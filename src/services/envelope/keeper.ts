import type { MessageKeeper } from "../../rpc/mod.ts";

/** Of a chunk of whose memory less than this part waits, what waits is copied. */
const PART = 4;
/** What a message has besides its payload, roughly. */
const HEAD = 16;
/** What an entry of metadata takes, roughly, however short it is. */
const ENTRY = 256;
const NONE = new ArrayBuffer(0);

/** A message that has arrived: its payload is in the chunk that it came with. */
interface Received {
  bytes: Uint8Array;
  start: number;
  end: number;
  readonly metadata?: readonly unknown[] | undefined;
}

/**
 * Copies the payloads of messages that wait, if they are a small part of their chunk, when one of
 * the next chunk has to wait too: so they keep a few times their own size in memory, and one chunk.
 * Most chunks are full of messages that all wait, and nothing of them is copied.
 */
export class Keeper implements MessageKeeper<Received> {
  /** The memory of the chunk of the latest message, and how much of it waits. */
  #chunk: ArrayBufferLike = NONE;
  #waiting = 0;
  /** Those of that chunk that wait, as long as they are a small part of it. */
  readonly #few: Received[] = [];

  add(message: Received): number {
    this.#keep(message);
    return message.metadata === undefined ? 0 : message.metadata.length * ENTRY;
  }

  #keep(message: Received): void {
    const { bytes, start, end } = message;
    if (bytes.buffer !== this.#chunk) this.#begin(bytes.buffer);
    if (this.#waiting * PART >= this.#chunk.byteLength) return;
    this.#waiting += end - start + HEAD;
    this.#few.push(message);
    if (this.#waiting * PART >= this.#chunk.byteLength) this.#few.length = 0;
  }

  clear(): void {
    this.#chunk = NONE;
    this.#waiting = this.#few.length = 0;
  }

  /** The next messages are of another chunk. */
  #begin(chunk: ArrayBufferLike): void {
    for (const message of this.#few) {
      // Not by `slice`, which is no copy if it is a Buffer.
      message.bytes = new Uint8Array(message.bytes.subarray(message.start, message.end));
      message.end -= message.start;
      message.start = 0;
    }
    this.clear();
    this.#chunk = chunk;
  }
}
