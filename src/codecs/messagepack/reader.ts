// Reads the forms of MessagePack (github.com/msgpack/msgpack, spec.md). A number may arrive
// in any form that can hold it: encoders other than `rmp_serde` may choose longer ones.
import { TooManyObjects } from "../object_budget.ts";
import { readText } from "../text.ts";

const EMPTY = new Uint8Array(0);
/** How deeply arrays, maps, structs and variants may be within each other. */
const MAX_DEPTH = 100;

/** MessagePack's extension: a type from -128 to 127, and bytes. */
export interface Extension {
  /** From -128 to 127; negative ones belong to the specification. */
  readonly type: number;
  /** Its bytes. */
  readonly data: Uint8Array;
}

/**
 * Reads the values of a message body one after another. A method that finds a value of
 * another kind returns `undefined` and does not advance; one that would read past the end of
 * the body throws.
 */
export class MessagePackReader {
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #at = 0;
  #end = 0;
  /** How many objects a body may have, and how many this one may still have. */
  readonly #maxObjects: number;
  #objectsLeft = 0;
  #depth = 0;

  /** Makes a reader that takes bodies of at most so many objects. */
  constructor(maxObjects: number) {
    this.#maxObjects = maxObjects;
  }

  /** Begins reading another body. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = this.#at = start;
    this.#end = end;
    this.#objectsLeft = this.#maxObjects;
    this.#depth = 0;
  }

  /**
   * To be called before the parts of a value are read, if they may be as deep as their peer
   * likes. Throws if it is within 100 others, since a stack has an end.
   */
  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw new RangeError(`it is more than ${MAX_DEPTH} levels deep`);
  }

  /** To be called after the parts of a value; not if they could not be read. */
  leave(): void {
    this.#depth--;
  }

  /** Throws unless all of the body has been read. */
  close(): void {
    if (this.#at === this.#end) return;
    const used = this.#at - this.#start;
    throw new RangeError(`ends with byte ${used}, but the body is announced with ${this.#size}`);
  }

  /** Reads nil; returns whether it was there. */
  nil(): boolean {
    if (this.#form() !== 0xc0) return false;
    this.#at++;
    return true;
  }

  /** Reads a boolean. */
  boolean(): boolean | undefined {
    const form = this.#form();
    if (form !== 0xc2 && form !== 0xc3) return undefined;
    this.#at++;
    return form === 0xc3;
  }

  /** Reads an integer: a bigint where a number would not be exact. */
  integer(): number | bigint | undefined {
    const form = this.#form();
    if (form < 0x80 || form >= 0xe0) {
      this.#at++;
      return form < 0x80 ? form : form - 0x100;
    }
    if (form >= 0xcc && form <= 0xce) return this.#number(1 << form - 0xcc);
    if (form === 0xcf) return join(this.#number(4), this.#more(4));
    if (form === 0xd0) return this.#number(1) << 24 >> 24;
    if (form === 0xd1) return this.#number(2) << 16 >> 16;
    if (form === 0xd2) return this.#number(4) | 0;
    if (form === 0xd3) return join(this.#number(4) | 0, this.#more(4));
    return undefined;
  }

  /** Reads a float, which may also be in the form of an integer. */
  float(): number | undefined {
    const form = this.#form();
    if (form !== 0xca && form !== 0xcb) {
      const integer = this.integer();
      return integer === undefined ? undefined : Number(integer);
    }
    const high = this.#number(4);
    SCRATCH.setUint32(0, high);
    if (form === 0xca) return SCRATCH.getFloat32(0);
    SCRATCH.setUint32(4, this.#more(4));
    return SCRATCH.getFloat64(0);
  }

  /** Reads a string. Throws for bytes that are not UTF-8. */
  string(): string | undefined {
    const form = this.#form();
    const isShort = form >> 5 === 0b101;
    const size = isShort ? form & 0x1f : this.#textSize();
    if (size === undefined) return undefined;
    if (isShort) this.#at++;
    const start = this.#skip(size);
    return readText(this.#bytes, start, start + size);
  }

  #textSize(): number | undefined {
    const form = this.#form();
    if (form >> 5 === 0b101) {
      this.#at++;
      return form & 0x1f;
    }
    return form >= 0xd9 && form <= 0xdb ? this.#number(1 << form - 0xd9) : undefined;
  }

  /** Reads bytes: a view of the body's memory. */
  bytes(): Uint8Array | undefined {
    const form = this.#form();
    if (form < 0xc4 || form > 0xc6) return undefined;
    const size = this.#number(1 << form - 0xc4);
    const start = this.#skip(size);
    this.#spend(1);
    return this.#bytes.subarray(start, start + size);
  }

  /** Reads an extension: its type, and a view of the body's memory. */
  extension(): Extension | undefined {
    const form = this.#form();
    const isFixed = form >= 0xd4 && form <= 0xd8;
    if (!isFixed && (form < 0xc7 || form > 0xc9)) return undefined;
    if (isFixed) this.#at++;
    const size = isFixed ? 1 << form - 0xd4 : this.#number(1 << form - 0xc7);
    const type = this.#more(1) << 24 >> 24;
    const start = this.#skip(size);
    this.#spend(2);
    return { type, data: this.#bytes.subarray(start, start + size) };
  }

  /** Reads a value of any kind, and drops it. */
  skip(): void {
    for (let left = 1; left > 0; left--) {
      const values = this.array();
      const pairs = values === undefined ? this.map() : undefined;
      if (values !== undefined) left += values;
      else if (pairs !== undefined) left += 2 * pairs;
      else this.#skipOne();
    }
  }

  #skipOne(): void {
    const size = this.#textSize();
    if (size !== undefined) {
      this.#skip(size);
      return;
    }
    const isThere = this.nil() || this.boolean() !== undefined || this.float() !== undefined ||
      this.bytes() !== undefined || this.extension() !== undefined;
    if (!isThere) throw this.unexpected("a value");
  }

  /**
   * Reads a value that may be of another type: returns `undefined`, and has not advanced, if
   * `read` throws. What has been read in vain counts as objects, so that choices within choices
   * do not take for ever.
   */
  attempt<T>(read: (input: MessagePackReader) => T): { readonly value: T } | undefined {
    const [at, depth] = [this.#at, this.#depth];
    try {
      return { value: read(this) };
    } catch {
      this.#spend(1 + (this.#at - at >> 4));
      this.#at = at;
      this.#depth = depth;
      return undefined;
    }
  }

  /** Looks ahead: reads something, and goes back. What has been read counts as objects. */
  ahead<T>(read: () => T): T {
    const at = this.#at;
    const value = read();
    this.#spend(1 + (this.#at - at >> 4));
    this.#at = at;
    return value;
  }

  /** Reads the header of an array: how many values follow. */
  array(): number | undefined {
    const form = this.#form();
    const count = form & 0x0f;
    // A short way for the usual ones.
    if (form - count !== 0x90 || count >= this.#end - this.#at) return this.#count(0x90, 0xdc, 1);
    this.#at++;
    this.#spend(1);
    return count;
  }

  /** Reads the header of a map: how many pairs follow. */
  map(): number | undefined {
    return this.#count(0x80, 0xde, 2);
  }

  /** Makes the error for a value of another kind than expected. */
  unexpected(expected: string): TypeError {
    return new TypeError(`expected ${expected}, got ${this.#describe()}`);
  }

  get #size(): number {
    return this.#end - this.#start;
  }

  /** The byte that identifies the next value's form. */
  #form(): number {
    if (this.#at === this.#end) this.#skip(1);
    return this.#bytes[this.#at]!;
  }

  /** Reads a form and the number of `width` bytes after it. */
  #number(width: number): number {
    this.#at++;
    return this.#more(width);
  }

  #more(width: number): number {
    const bytes = this.#bytes;
    let at = this.#skip(width);
    // Written out, since a loop over four bytes costs more than they do.
    if (width === 1) return bytes[at]!;
    const two = bytes[at++]! << 8 | bytes[at++]!;
    return width === 2 ? two : (two << 16 | bytes[at++]! << 8 | bytes[at]!) >>> 0;
  }

  /** Advances by `size` bytes and returns where they begin. */
  #skip(size: number): number {
    const from = this.#at;
    if (size > this.#end - from) {
      const needed = from + size - this.#start;
      throw new RangeError(
        `goes on to byte ${needed} at least, but the body is announced with ${this.#size}`,
      );
    }
    this.#at = from + size;
    return from;
  }

  #count(short: number, form16: number, least: number): number | undefined {
    const form = this.#form();
    let count: number;
    if ((form & 0xf0) === short) {
      this.#at++;
      count = form & 0x0f;
    } else if (form === form16 || form === form16 + 1) {
      count = this.#number(form === form16 ? 2 : 4);
    } else {
      return undefined;
    }
    const left = this.#end - this.#at;
    // Each value takes at least a byte: never loop over values that cannot be there.
    if (count * least > left) throw new RangeError(`announces ${count} values in ${left} bytes`);
    this.#spend(least === 1 ? 1 : 1 + count);
    return count;
  }

  #spend(objects: number): void {
    this.#objectsLeft -= objects;
    if (this.#objectsLeft < 0) throw new TooManyObjects(this.#maxObjects);
  }

  #describe(): string {
    const form = this.#form();
    if (form === 0xc0) return "nil";
    const value = this.boolean() ?? this.integer();
    if (value !== undefined) return String(value);
    if (form === 0xca || form === 0xcb) return "a float";
    if (form >> 5 === 0b101 || form >= 0xd9 && form <= 0xdb) return "a string";
    if (form >= 0xc4 && form <= 0xc6) return "bytes";
    const array = this.array();
    if (array !== undefined) return `an array of ${array}`;
    const map = this.map();
    if (map !== undefined) return `a map of ${map}`;
    return form === 0xc1 ? "0xc1, which nothing begins with" : "an extension";
  }
}

/** Scratch memory to convert the bits of floats, used only within a call. */
const SCRATCH = new DataView(new ArrayBuffer(8));

function join(high: number, low: number): number | bigint {
  const plain = high * 2 ** 32 + low;
  return Number.isSafeInteger(plain) ? plain : BigInt(high) << 32n | BigInt(low);
}
