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
const NO_LOANS: Loan[] = [];
const EMPTY_VIEW = new DataView(EMPTY.buffer);
/** How many slabs that no buffer uses are kept: a mebibyte of them. */
const MAX_SPARES = 1024;

/** A slab of the smallest size, while no buffer uses it: all are one list. */
interface Spare {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  next: Spare | undefined;
}

let spare: Spare | undefined;
let spares = 0;

/**
 * Takes the slab away from a buffer that has nothing in it, if it is a small one: a connection
 * that is idle needs none, and one that wakes up takes what another has let go of. Only for a
 * buffer of which each chunk is released exactly once.
 */
export let letGo: (buffer: EncodeBuffer) => void;

/** Bytes that were lent, and how many of the slab's that have not been taken come before them. */
interface Loan {
  readonly bytes: Uint8Array;
  after: number;
}

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
  #loans: Loan[] = NO_LOANS;
  /** How many bytes these are. */
  #loaned = 0;
  /** Bytes of this slab that have been taken and not released. */
  #lent = 0;
  #nextSlab = MIN_SLAB;
  /** The slab of a large message; reused, once it has been released, if not yet collected. */
  #large: WeakRef<ArrayBufferLike> | undefined;
  #largeIsFree = false;
  /** Bytes of it that have been taken and not released, since it is no longer the current slab. */
  #largeLent = 0;
  /** The slab as it is listed when the buffer lets go of it. */
  #spare: Spare | undefined;

  static {
    letGo = (buffer) => buffer.#letGo();
  }

  /** How many bytes have been appended but not taken. */
  get length(): number {
    return this.#loaned + this.offset - this.#start;
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
    if (this.#loans === NO_LOANS) this.#loans = [];
    // Not one of its subclasses: `slice` of a Buffer is no copy.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#loans.push({ bytes: plain, after: this.offset - this.#start });
    this.#loaned += bytes.length;
  }

  /**
   * Where in {@linkcode bytes} a position is. A position is what {@linkcode length} was when
   * it was there. For a length that is written before bytes of which some may be lent.
   */
  locate(position: number): number {
    let lent = 0;
    for (const { bytes, after } of this.#loans) {
      if (after + lent >= position) break;
      lent += bytes.length;
    }
    return this.#start + position - lent;
  }

  /** Moves all that was appended from a position on, by `by` bytes, back if it is negative. */
  shift(position: number, by: number): void {
    if (by > 0) this.reserve(by);
    const at = this.locate(position);
    this.bytes.copyWithin(at + by, at, this.offset);
    this.offset += by;
    for (const loan of this.#loans) {
      if (loan.after >= at - this.#start) loan.after += by;
    }
  }

  /** Keeps the first `length` of the bytes not yet taken, and discards the rest. */
  truncate(length: number): void {
    while (this.#loaned > 0) {
      const { bytes, after } = this.#loans.at(-1)!;
      const before = after + this.#loaned - bytes.length;
      if (length >= before + bytes.length) break;
      this.#loans.pop();
      this.#loaned -= bytes.length;
      if (length <= before) continue;
      this.#loans.push({ bytes: bytes.subarray(0, length - before), after });
      this.#loaned += length - before;
      break;
    }
    this.offset = this.#start + length - this.#loaned;
  }

  /**
   * Returns what has been appended, or the first part of it if there are bytes that were lent:
   * call it until {@linkcode length} is 0. The caller owns it, for good or until it releases it.
   */
  take(): Uint8Array {
    const loan = this.#loans[0];
    if (!loan) return this.#cut(this.offset);
    const { bytes, after } = loan;
    if (after > 0) {
      for (const loan of this.#loans) loan.after -= after;
      return this.#cut(this.#start + after);
    }
    this.#loans.shift();
    this.#loaned -= bytes.length;
    return bytes;
  }

  #cut(end: number): Uint8Array {
    const taken = this.bytes.subarray(this.#start, end);
    this.#start = end;
    this.#lent += taken.length;
    // A slab with little room left would have to be replaced soon, and the slab of a
    // large message should be freed as soon as it has been written.
    const { length } = this.bytes;
    if (end === this.offset && (length - end < MIN_SLAB / 4 || length > MAX_KEPT)) {
      if (length > MAX_KEPT) this.#largeLent = this.#lent;
      this.#use(EMPTY);
    }
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
      if (this.#large?.deref() !== taken.buffer) return;
      this.#largeLent -= taken.length;
      this.#largeIsFree = this.#largeLent === 0;
      return;
    }
    this.#lent -= taken.length;
    if (this.#lent === 0 && this.length === 0) this.offset = this.#start = 0;
  }

  #letGo(): void {
    // One that is larger belongs to a connection that is busy, or will be again.
    if (this.bytes.length !== MIN_SLAB || this.#lent > 0 || this.length > 0) return;
    const slab = this.#spare ?? { bytes: this.bytes, view: this.view, next: undefined };
    this.#spare = undefined;
    // An encoder that reserves more than it writes must not send what another connection sent.
    slab.bytes.fill(0);
    if (spares < MAX_SPARES) {
      slab.next = spare;
      spare = slab;
      spares++;
    }
    this.bytes = EMPTY;
    this.view = EMPTY_VIEW;
    this.offset = this.#start = 0;
    this.#nextSlab = MIN_SLAB;
  }

  /** Takes a slab that another buffer has let go of; returns whether there was one. */
  #reuse(): boolean {
    const slab = spare;
    if (slab === undefined) return false;
    spare = slab.next;
    spares--;
    slab.next = undefined;
    this.bytes = slab.bytes;
    this.view = slab.view;
    this.#spare = slab;
    this.#nextSlab = 2 * MIN_SLAB;
    return true;
  }

  #grow(size: number): void {
    if (size <= MIN_SLAB && this.#nextSlab === MIN_SLAB && this.#reuse()) return;
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
    this.#spare = undefined;
    this.offset = this.#start = this.#lent = 0;
  }
}
