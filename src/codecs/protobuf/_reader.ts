// Decodes messages by the plans of their types. For anything that the library's fromBinary
// would refuse or treat specially, it throws, and the library decides.
import { type DescMessage, mergeFromBinary, type MessageShape } from "@bufbuild/protobuf";
import { TooManyObjects } from "../object_budget.ts";
import { countObjects } from "./_count.ts";
import type { Fields } from "./_create.ts";
import type { FieldPlan, MessagePlan } from "./_plan.ts";
import { readText } from "../text.ts";
import { fixed32, float32, float64, int64, Varint64 } from "../varint64.ts";

const EMPTY = new Uint8Array(0);

/** The nesting limit of fromBinary, including the outermost message. */
const MAX_DEPTH = 100;

/** Thrown to fall back to the library. Made once, since capturing a stack is slow. */
const ODD = new Error("for the library to read");

/** Decodes messages, one after another. */
export class ProtobufReader {
  #bytes: Uint8Array = EMPTY;
  #at = 0;
  /** The varint that was read last. */
  readonly #varint64 = new Varint64();
  /** How many objects a message may have, and how many this one may still have. */
  readonly #maxObjects: number;
  #objectsLeft = 0;

  constructor(maxObjects: number) {
    this.#maxObjects = maxObjects;
  }

  /** Decodes a message. Throws if fromBinary must handle it. */
  read(plan: MessagePlan, bytes: Uint8Array, start: number, end: number): Fields {
    this.#bytes = bytes;
    this.#at = start;
    this.#objectsLeft = this.#maxObjects;
    try {
      const message = plan.create();
      this.#message(plan, message, end, 1);
      return message;
    } finally {
      // So as not to keep the chunk in memory.
      this.#bytes = EMPTY;
    }
  }

  /** Reads fields up to `end`, or up to the tag that ends a group. */
  #message(plan: MessagePlan, message: Fields, end: number, depth: number, endTag = 0): void {
    if (depth > MAX_DEPTH) throw ODD;
    this.#spend();
    while (this.#at < end) {
      const start = this.#at;
      const tag = this.#short();
      const field = plan.field(tag);
      if (field !== undefined) {
        // Here, and first, what most values are: that takes a tenth to a sixth less time.
        if (field.plain && field.type === 9) {
          const last = this.#length(end);
          const at = this.#at;
          this.#at = last;
          message[field.name] = readText(this.#bytes, at, last);
        } else if (field.plain && field.type === 4) {
          message[field.name] = long(field, this.#varint(), this.#varint64.high, false);
        } else if (field.foreign) this.#foreign(plan, message, start, end, depth);
        else if (field.shape === "single") this.#single(field, message, end, depth);
        else this.#repeated(field, message[field.name], tag, end, depth);
      } else if (tag === endTag && tag !== 0) {
        return;
      } else {
        this.#unknown(plan, message, tag, end);
      }
    }
    if (this.#at > end || endTag !== 0) throw ODD;
  }

  #single(field: FieldPlan, message: Fields, end: number, depth: number): void {
    const { name, oneof } = field;
    if (oneof === undefined) {
      // If a message field occurs twice, the two are merged.
      const before = field.message === undefined ? undefined : message[name];
      message[name] = this.#value(field, before, end, depth);
    } else {
      const { case: chosen, value } = message[oneof] as { case?: string; value?: unknown };
      const before = chosen === name ? value : undefined;
      message[oneof] = { case: name, value: this.#value(field, before, end, depth) };
    }
  }

  #repeated(field: FieldPlan, value: unknown, tag: number, end: number, depth: number): void {
    if (field.shape === "map") return this.#entry(field, value as Fields, end, depth);
    const items = value as unknown[];
    if ((tag & 7) !== 2 || field.shape === "list" && field.tag === tag) {
      items.push(this.#value(field, undefined, end, depth));
      return;
    }
    const last = this.#length(end);
    while (this.#at < last) items.push(this.#number(field));
    if (this.#at > last) throw ODD;
  }

  #entry({ key: keys, value: values }: FieldPlan, entries: Fields, end: number, depth: number) {
    const last = this.#length(end);
    this.#spend();
    let key = keys!.zero;
    let value: unknown;
    while (this.#at < last) {
      const tag = this.#short();
      if (tag === keys!.tag) key = this.#value(keys!, undefined, last, depth);
      else if (tag === values!.tag) value = this.#value(values!, value, last, depth);
      else if (tag < 24) throw ODD;
      else this.#skip(tag & 7, last);
    }
    // Assigning to that name would set the prototype.
    if (this.#at > last || key === "__proto__") throw ODD;
    entries[String(key)] = value ?? values!.message?.create() ?? values!.zero ?? new Uint8Array(0);
  }

  /** Reads the value after a tag; into `before`, if that is a message. */
  #value(field: FieldPlan, before: unknown, end: number, depth: number): unknown {
    switch (field.type) {
      case 9: { // string
        const last = this.#length(end);
        const start = this.#at;
        this.#at = last;
        return readText(this.#bytes, start, last);
      }
      case 11: { // message
        const last = this.#length(end);
        const { wrapped } = field;
        const plan = field.message!;
        if (wrapped === undefined) {
          const message = before === undefined ? plan.create() : before as Fields;
          this.#message(plan, message, last, depth + 1);
          return message;
        }
        const message = plan.create();
        if (before !== undefined) message[wrapped.name] = before;
        this.#message(plan, message, last, depth + 1);
        return message[wrapped.name];
      }
      case 10: { // group
        const message = before === undefined ? field.message!.create() : before as Fields;
        this.#message(field.message!, message, end, depth + 1, field.tag + 1);
        return message;
      }
      case 12: { // bytes
        const last = this.#length(end);
        const start = this.#at;
        this.#at = last;
        this.#spend();
        return this.#bytes.subarray(start, last);
      }
      default:
        return this.#number(field);
    }
  }

  /** Reads a value of any type except text, bytes and messages. */
  #number(field: FieldPlan): unknown {
    switch (field.type) {
      case 4: // uint64
        return long(field, this.#varint(), this.#varint64.high, false);
      case 13: // uint32
        return this.#varint();
      case 5: // int32
        return this.#varint() | 0;
      case 14: { // enum
        const number = this.#varint() | 0;
        if (field.closed !== undefined && field.closed[number] === undefined) throw ODD;
        return number;
      }
      case 8: // bool
        return this.#varint() !== 0 || this.#varint64.high !== 0;
      case 3: // int64
        return long(field, this.#varint(), this.#varint64.high, true);
      case 17: { // sint32
        const zigzag = this.#varint();
        return zigzag >>> 1 ^ -(zigzag & 1);
      }
      case 18: { // sint64
        this.#varint();
        this.#varint64.unzigzag();
        return long(field, this.#varint64.low, this.#varint64.high, true);
      }
      case 7: // fixed32
        return this.#fixed();
      case 15: // sfixed32
        return this.#fixed() | 0;
      case 6: // fixed64
      case 16: { // sfixed64
        const low = this.#fixed();
        return long(field, low, this.#fixed(), field.type === 16);
      }
      case 1: { // double
        const low = this.#fixed();
        return float64(low, this.#fixed());
      }
      default: // float
        return float32(this.#fixed());
    }
  }

  /** Leaves a field to the library; `start` is the offset of its tag. */
  #foreign(plan: MessagePlan, message: Fields, start: number, end: number, depth: number): void {
    this.#skip(this.#bytes[start]! & 7, end);
    const bytes = this.#bytes.subarray(start, this.#at);
    const recursionLimit = MAX_DEPTH - depth + 1;
    this.#objectsLeft -= countObjects(plan.desc, bytes, this.#objectsLeft);
    if (this.#objectsLeft < 0) throw new TooManyObjects(this.#maxObjects);
    mergeFromBinary(plan.desc, message as MessageShape<DescMessage>, bytes, { recursionLimit });
  }

  #spend(): void {
    if (--this.#objectsLeft < 0) throw new TooManyObjects(this.#maxObjects);
  }

  /** Keeps a field that the schema does not have. */
  #unknown(plan: MessagePlan, message: Fields, tag: number, end: number): void {
    const no = tag >>> 3;
    // A known field with another type than in the schema is for the library.
    if (no === 0 || plan.has(no)) throw ODD;
    this.#spend();
    const start = this.#at;
    const wireType = tag & 7;
    this.#skip(wireType, end);
    const field = { no, wireType, data: this.#bytes.subarray(start, this.#at) };
    const fields = message.$unknown as unknown[] | undefined;
    if (fields === undefined) message.$unknown = [field];
    else fields.push(field);
  }

  /** Skips a value. */
  #skip(wireType: number, end: number): void {
    switch (wireType) {
      case 0:
        while (this.#bytes[this.#at++]! > 127);
        break;
      case 1:
        this.#at += 8;
        break;
      case 2:
        this.#at = this.#length(end);
        break;
      case 5:
        this.#at += 4;
        break;
      default:
        throw ODD;
    }
    if (this.#at > end) throw ODD;
  }

  /** Reads a length and returns where its bytes end. */
  #length(end: number): number {
    const length = this.#short();
    const last = this.#at + length;
    if (last > end) throw ODD;
    return last;
  }

  /** Reads a tag or a length: a varint far below 32 bits. */
  #short(): number {
    const bytes = this.#bytes;
    const byte = bytes[this.#at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = bytes[this.#at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw ODD;
  }

  /** Reads a varint and returns its lower 32 bits. */
  #varint(): number {
    const at = this.#varint64.read(this.#bytes, this.#at);
    if (at === 0) throw ODD;
    this.#at = at;
    return this.#varint64.low;
  }

  #fixed(): number {
    this.#at += 4;
    return fixed32(this.#bytes, this.#at - 4);
  }
}

/** A 64-bit number, in the field's representation. */
function long(field: FieldPlan, low: number, high: number, signed: boolean): bigint | string {
  const value = int64(low, high, signed);
  return field.longAsString ? String(value) : value;
}
