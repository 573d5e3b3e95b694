import { copy } from "@std/bytes";

/** The size of the first slab: a connection that sends little holds no more than this. */
const MIN_SLAB = 1024;
/** Slabs double up to this size; only a message that needs more gets a larger one. */
const MAX_SLAB = 128 * 1024;
/** The largest slab that is kept while nothing is sent. */
const MAX_KEPT = 2 * MAX_SLAB;

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);

/**
 * A growing buffer that encoders append to.
 *
 * Its memory is cut from slabs, so that one allocation serves many messages. Slabs start
 * at 1 KiB and double with use up to 128 KiB; a larger message gets a slab of its own.
 * Bytes that were taken are not written again unless they are released, which is optional.
 *
 * @example A message of a tag and four bytes
 * ```ts
 * import { EncodeBuffer } from "@protosocket/protosocket";
 *
 * const out = new EncodeBuffer();
 * const at = out.reserve(5);
 * out.bytes[at] = 0xce;
 * out.view.setUint32(at + 1, 7);
 * out.offset += 5;
 * console.log(out.take()); // Uint8Array [ 206, 0, 0, 0, 7 ]
 * ```
 */
export class EncodeBuffer {
  /** The current slab. {@linkcode reserve} may replace it, so read this property afterwards. */
  bytes: Uint8Array = EMPTY;
  /** A view of the same memory, for numbers. {@linkcode reserve} may replace it too. */
  view: DataView = EMPTY_VIEW;
  /** Where the next byte goes. Advance it only over bytes that were {@linkcode reserve}d. */
  offset = 0;
  #start = 0;
  /** Bytes of this slab that have been taken and not released. */
  #lent = 0;
  #nextSlab = MIN_SLAB;
  /** The slab of a large message that has been sent; reused if not yet collected. */
  #large: WeakRef<ArrayBufferLike> | undefined;

  /** How many bytes have been appended but not taken. */
  get length(): number {
    return this.offset - this.#start;
  }

  /**
   * Makes room for `size` bytes at {@linkcode offset} and returns that offset, which does
   * not move: reserve the most that you may need, then advance by what you wrote.
   */
  reserve(size: number): number {
    if (this.bytes.length - this.offset < size) this.#grow(size);
    return this.offset;
  }

  /** Appends a copy of `bytes`. */
  write(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    copy(bytes, this.bytes, at);
    this.offset = at + bytes.length;
  }

  /** Keeps the first `length` of the bytes not yet taken, and discards the rest. */
  truncate(length: number): void {
    this.offset = this.#start + length;
  }

  /** Returns what has been appended. The caller owns it, for good or until it releases it. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(this.#start, this.offset);
    this.#start = this.offset;
    this.#lent += taken.length;
    // A slab with little room left would have to be replaced soon, and the slab of a
    // large message should be freed as soon as it has been written.
    const { length } = this.bytes;
    if (length - this.offset < MIN_SLAB / 4 || length > MAX_KEPT) this.#use(EMPTY);
    return taken;
  }

  /**
   * Returns memory that came from {@linkcode take}, once nobody reads it any more. Call it
   * at most once for each chunk. When all of a slab has been returned, the slab is written
   * from its beginning again.
   */
  release(taken: Uint8Array): void {
    if (taken.buffer !== this.bytes.buffer) {
      if (taken.buffer.byteLength > MAX_KEPT) this.#large = new WeakRef(taken.buffer);
      return;
    }
    this.#lent -= taken.length;
    if (this.#lent === 0 && this.length === 0) this.offset = this.#start = 0;
  }

  #grow(size: number): void {
    const pending = this.bytes.subarray(this.#start, this.offset);
    // Twice what is pending, so that appending a long message in small steps stays linear.
    const slab = this.#slab(Math.max(this.#nextSlab, pending.length * 2 + size));
    this.#nextSlab = Math.min(this.#nextSlab * 2, MAX_SLAB);
    slab.set(pending);
    this.#use(slab);
    this.offset = pending.length;
  }

  #slab(size: number): Uint8Array {
    if (size <= MAX_KEPT) return new Uint8Array(size);
    const large = this.#large?.deref();
    this.#large = undefined;
    const suits = large !== undefined && large.byteLength >= size && large.byteLength <= size * 4;
    return suits ? new Uint8Array(large) : new Uint8Array(size);
  }

  #use(slab: Uint8Array): void {
    this.bytes = slab;
    this.view = new DataView(slab.buffer);
    this.offset = this.#start = this.#lent = 0;
  }
}
