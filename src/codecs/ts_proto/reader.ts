import { protoInt64 } from "@bufbuild/protobuf";
import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { TooManyObjects } from "../object_budget.ts";
import { readText } from "../text.ts";
import { fixed32, float32, float64, Varint64 } from "../varint64.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
/** The library's nesting limit for skipping groups. */
const MAX_DEPTH = 100;

/** Decodes one type of message. */
export interface Decodes<Message> {
  decode(input: BinaryReader): Message;
}

/** A reader of protobuf's wire format that is reused for each message, and reads in place. */
export class SlabReader extends BinaryReader {
  static readonly #shared = new SlabReader(0);
  #depth = 0;
  /** How many objects a message may have, and how many this one may still have. */
  #maxObjects: number;
  #objectsLeft = 0;
  #bytes = EMPTY;
  #end = 0;
  readonly #varint64 = new Varint64();

  constructor(maxObjects: number) {
    super(EMPTY);
    this.#maxObjects = maxObjects;
    // In the library this is a property, which would hide the method.
    this.uint32 = SlabReader.prototype.readUint32;
  }

  /** The one that all may use; another within a message, whose code may do whatever it likes. */
  static idle(maxObjects: number): SlabReader {
    const shared = SlabReader.#shared;
    if (shared.#bytes !== EMPTY) return new SlabReader(maxObjects);
    shared.#maxObjects = maxObjects;
    return shared;
  }

  /** The nesting depth, which ts-proto's code stores here where a message begins and ends. */
  get __tsProtoDecodeDepth(): number {
    return this.#depth;
  }
  set __tsProtoDecodeDepth(depth: number) {
    if (depth > this.#depth) this.#spend();
    this.#depth = depth;
  }

  /** Decodes a message from all of `bytes` from `start` to `end`. */
  read<Message>(type: Decodes<Message>, bytes: Uint8Array, start: number, end: number): Message {
    this.#move(bytes, start, end);
    this.#objectsLeft = this.#maxObjects;
    this.#depth = 0;
    try {
      const message = type.decode(this);
      if (this.pos !== end) throw new RangeError(`it ends ${end - this.pos} bytes early`);
      return message;
    } finally {
      // So as not to keep the chunk in memory.
      this.#move(EMPTY, 0, 0);
    }
  }

  /** Reads a varint and returns its lower 32 bits. */
  readUint32(): number {
    const byte = this.#bytes[this.pos]!;
    if (byte < 128 && this.pos < this.#end) {
      this.pos++;
      return byte;
    }
    this.#readVarint();
    return this.#varint64.low;
  }

  override tag(): [number, WireType] {
    const start = this.pos;
    const tag = this.readUint32();
    const number = tag >>> 3;
    const type = tag & 7;
    if (this.pos - start > 5 || this.#varint64.high > 0 && this.pos - start > 1) {
      throw new RangeError("a tag has more than 32 bits");
    }
    if (number === 0 || type > 5) throw new RangeError(`no field has the tag ${tag}`);
    return [number, type];
  }

  override skip(
    type: WireType,
    number?: number,
    limit: number = MAX_DEPTH,
  ): Uint8Array<ArrayBuffer> {
    const start = this.pos;
    this.#spend();
    switch (type as number) {
      case 0:
        this.#readVarint();
        break;
      case 1:
        this.#advance(8);
        break;
      case 2:
        this.#advance(this.readUint32());
        break;
      case 3:
        if (limit <= 0) throw new RangeError(`groups are within more than ${MAX_DEPTH} groups`);
        for (;;) {
          const [inner, type] = this.tag();
          if (type as number !== 4) this.skip(type, inner, limit - 1);
          else if (number === undefined || number === inner) break;
          else throw new RangeError(`the group ${number} ends as ${inner}`);
        }
        break;
      case 5:
        this.#advance(4);
        break;
      default:
        throw new RangeError(`no field has the wire type ${type}`);
    }
    return this.#bytes.subarray(start, this.pos) as Uint8Array<ArrayBuffer>;
  }

  override int32(): number {
    return this.readUint32() | 0;
  }

  override sint32(): number {
    const zigzag = this.readUint32();
    return zigzag >>> 1 ^ -(zigzag & 1);
  }

  override int64(): bigint | string {
    this.#readVarint();
    return protoInt64.dec(this.#varint64.low, this.#varint64.high);
  }

  override uint64(): bigint | string {
    this.#readVarint();
    return protoInt64.uDec(this.#varint64.low, this.#varint64.high);
  }

  override sint64(): bigint | string {
    this.#readVarint();
    this.#varint64.unzigzag();
    return protoInt64.dec(this.#varint64.low, this.#varint64.high);
  }

  override bool(): boolean {
    this.#readVarint();
    return this.#varint64.low !== 0 || this.#varint64.high !== 0;
  }

  override fixed32(): number {
    return fixed32(this.#bytes, this.#advance(4));
  }

  override sfixed32(): number {
    return this.fixed32() | 0;
  }

  override fixed64(): bigint | string {
    const low = this.fixed32();
    return protoInt64.uDec(low, this.fixed32());
  }

  override sfixed64(): bigint | string {
    const low = this.fixed32();
    return protoInt64.dec(low, this.fixed32());
  }

  override float(): number {
    return float32(this.fixed32());
  }

  override double(): number {
    const low = this.fixed32();
    return float64(low, this.fixed32());
  }

  override bytes(): Uint8Array<ArrayBuffer> {
    const start = this.#advance(this.readUint32());
    this.#spend();
    return this.#bytes.subarray(start, this.pos) as Uint8Array<ArrayBuffer>;
  }

  /** Throws for bytes that are not UTF-8, which protobuf requires of strings. */
  override string(): string {
    const start = this.#advance(this.readUint32());
    return readText(this.#bytes, start, this.pos);
  }

  #spend(): void {
    if (--this.#objectsLeft < 0) throw new TooManyObjects(this.#maxObjects);
  }

  #move(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.pos = start;
    this.#end = end;
    // `len` is read-only for callers only.
    (this as { len: number }).len = end;
  }

  #readVarint(): void {
    const at = this.#varint64.read(this.#bytes, this.pos);
    if (at === 0) throw new RangeError("a varint has more than ten bytes");
    if (at > this.#end) throw this.#tooShort();
    this.pos = at;
  }

  /** Advances by `size` bytes; returns where they begin. */
  #advance(size: number): number {
    const start = this.pos;
    if (start + size > this.#end) throw this.#tooShort();
    this.pos = start + size;
    return start;
  }

  #tooShort(): RangeError {
    return new RangeError("it ends within a field");
  }
}
