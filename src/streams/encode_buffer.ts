import { copy } from "@std/bytes";

/** The size of the first slab: a connection that sends little holds no more than this. */
const MIN_SLAB = 1024;
/** Slabs double up to this size; only a message that needs more gets a larger one. */
const MAX_SLAB = 128 * 1024;
/** The largest slab that is kept while nothing is sent. */
const MAX_KEPT = 2 * MAX_SLAB;
/** From this many bytes on, a write of their own costs less than a copy. */
const MIN_LENT = 64 * 1024;

const EMPTY = new Uint8Array(0);
const NO_PIECES: Uint8Array[] = [];
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
  /** What comes before `#start`: bytes that were lent, and those of the slab between them. */
  #pieces: Uint8Array[] = NO_PIECES;
  /** How many bytes these are. */
  #before = 0;
  /** Bytes of this slab that have been taken and not released. */
  #lent = 0;
  #nextSlab = MIN_SLAB;
  /** The slab of a large message; reused, once it has been released, if not yet collected. */
  #large: WeakRef<ArrayBufferLike> | undefined;
  #largeIsFree = false;

  /** How many bytes have been appended but not taken. */
  get length(): number {
    return this.#before + this.offset - this.#start;
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

  /**
   * Appends `bytes` themselves, without a copy, if they are at least 64 KiB; fewer are copied.
   * They must not be changed until the message that they are part of has been sent, and where
   * chunks are passed on by reference, as in an in-memory duplex of your own, never.
   */
  lend(bytes: Uint8Array): void {
    if (bytes.length < MIN_LENT) return this.write(bytes);
    if (this.#pieces === NO_PIECES) this.#pieces = [];
    if (this.offset > this.#start) this.#addPiece(this.#cut());
    this.#addPiece(bytes);
  }

  /** Keeps the first `length` of the bytes not yet taken, and discards the rest. */
  truncate(length: number): void {
    while (length < this.#before) this.#reopen(length);
    this.offset = this.#start + length - this.#before;
  }

  /**
   * Returns what has been appended, or the first part of it if there are bytes that were lent:
   * call it until {@linkcode length} is 0. The caller owns it, for good or until it releases it.
   */
  take(): Uint8Array {
    if (this.#before === 0) return this.#cut();
    const piece = this.#pieces.shift()!;
    this.#before -= piece.length;
    return piece;
  }

  /** Takes the last piece back, but for its part of the first `length` bytes. */
  #reopen(length: number): void {
    const piece = this.#pieces.pop()!;
    this.#before -= piece.length;
    if (piece.buffer === this.bytes.buffer) {
      this.#start = piece.byteOffset;
      this.#lent -= piece.length;
    } else if (length > this.#before) {
      this.#addPiece(piece.subarray(0, length - this.#before));
    }
  }

  #addPiece(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#before += piece.length;
  }

  #cut(): Uint8Array {
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
      // Not what was lent: that is somebody else's memory.
      if (this.#large?.deref() === taken.buffer) this.#largeIsFree = true;
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
    const large = this.#largeIsFree ? this.#large?.deref() : undefined;
    this.#largeIsFree = false;
    if (large && large.byteLength >= size && large.byteLength <= size * 4) {
      return new Uint8Array(large);
    }
    const slab = new Uint8Array(size);
    this.#large = new WeakRef(slab.buffer);
    return slab;
  }

  #use(slab: Uint8Array): void {
    this.bytes = slab;
    this.view = new DataView(slab.buffer);
    this.offset = this.#start = this.#lent = 0;
  }
}
