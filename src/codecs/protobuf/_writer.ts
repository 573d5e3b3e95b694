// Encodes messages by the plans of their types. For anything that the library's toBinary
// would convert or refuse, it throws, and the library decides; but not of bytes that are none.
import { type DescMessage, type MessageShape, protoInt64, toBinary } from "@bufbuild/protobuf";
import { checkBytes } from "../../check.ts";
import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import type { Fields } from "./_create.ts";
import type { FieldPlan, MessagePlan } from "./_plan.ts";
import { putAscii, SHORT, writeText } from "../text.ts";
import { putLength, putVarint, varintWidth } from "../varint.ts";
import { putBits, putVarint64, zigzag64 } from "../varint64.ts";

/** A tag has at most five bytes, a number at most ten. */
const MAX_TAG = 5;
const MAX_TAG_AND_NUMBER = MAX_TAG + 10;

/**
 * Appends the fields of a message in the order of their numbers, then its unknown fields. With
 * `inits`, it may be what the library's `create` makes a message of, and so may those within that.
 */
export function writeMessage(
  plan: MessagePlan,
  message: Fields,
  out: EncodeBuffer,
  inits: boolean,
): void {
  const isInit = inits && message.$typeName === undefined;
  if (isInit) checkInit(message);
  else if (message.$typeName !== plan.typeName) throw new TypeError("a message of another type");
  const { properties } = plan;
  for (let i = 0; i < properties.length; i++) {
    const { name, field, cases } = properties[i]!;
    const value = message[name];
    if (isInit && (value === undefined || value === null) && field?.required !== true) continue;
    if (field === undefined) {
      const { case: chosen, value: of } = value as { case: unknown; value: unknown };
      const field = chosen === undefined ? undefined : cases!.get(chosen);
      if (field?.foreign) writeForeign(plan, name, value, out);
      else if (field !== undefined) writeValue(field, of, out, isInit);
    } else if (field.foreign) {
      if (value !== undefined || field.shape !== "single") writeForeign(plan, name, value, out);
    } else if (field.shape !== "single") {
      writeRepeated(field, value, out, isInit);
    } else if (field.implicit) {
      // Here, and first, what most values are: engines are a third faster then.
      const { type } = field;
      if (type === 9 && typeof value === "string") {
        if (value.length > 0) writeString(field.tag, value, out);
      } else if (
        (type === 3 || type === 4) && typeof value === "bigint" && value > 0n && value <= MAX_INT64
      ) {
        writeLong(field.tag, value, out);
      } else if (!isZero(field, value)) {
        writeValue(field, value, out, isInit);
      }
    } else if (
      value !== undefined && (isInit || !field.inherited || Object.hasOwn(message, name))
    ) {
      writeValue(field, value, out, isInit);
    } else if (field.required) {
      throw new TypeError("a required field is not set");
    }
  }
  if (message.$unknown !== undefined && !isInit) writeUnknown(message.$unknown as Unknown[], out);
}

/** Leaves to the library what it would not make a message of. */
function checkInit(init: unknown): void {
  if (typeof init !== "object" || Array.isArray(init)) throw new TypeError("no message");
}

/** Appends a property using the library. */
function writeForeign(plan: MessagePlan, name: string, value: unknown, out: EncodeBuffer): void {
  const message = plan.create();
  message[name] = value;
  out.lend(toBinary(plan.desc, message as MessageShape<DescMessage>));
}

/** An unknown field: its bytes after the tag. */
interface Unknown {
  readonly no: number;
  readonly wireType: number;
  readonly data: Uint8Array;
}

function writeUnknown(fields: readonly Unknown[], out: EncodeBuffer): void {
  for (const { no, wireType, data } of fields) {
    writeTag(no * 8 + wireType, out);
    out.lend(data);
  }
}

function writeTag(tag: number, out: EncodeBuffer): void {
  const at = out.reserve(MAX_TAG);
  out.offset = putVarint(out.bytes, at, tag);
}

/** Whether the value of a field with implicit presence means that it is not set. */
function isZero(field: FieldPlan, value: unknown): boolean {
  // For floats, -0 is a value.
  if (value === field.zero) return value !== 0 || field.type > 2 || Object.is(value, 0);
  if (typeof value === "bigint" && !field.longAsString) return false;
  switch (field.type) {
    case 12: // bytes
      return value instanceof Uint8Array && value.length === 0;
    case 3:
    case 4:
    case 6:
    case 16:
    case 18: // 64 bits, as a number or a decimal string
      return value !== null && Number(value) === 0;
  }
  return false;
}

function writeRepeated(field: FieldPlan, value: unknown, out: EncodeBuffer, inits: boolean): void {
  // Of anything else the library makes no messages.
  if (inits && Array.isArray(value) !== (field.shape !== "map")) throw new TypeError("no list");
  switch (field.shape) {
    case "list":
      for (const item of value as unknown[]) writeValue(field, item, out, inits);
      return;
    case "packed": {
      const items = value as unknown[];
      if (items.length === 0) return;
      const before = begin(field.tag, out);
      for (const item of items) writeNumber(field.type, NO_TAG, item, out);
      putLength(out, before, 1);
      return;
    }
    case "map": {
      const { key, value: of } = field;
      const entries = value as Fields;
      for (const name of Object.keys(entries)) {
        const before = begin(field.tag, out);
        writeValue(key!, keyOf(key!.type, name), out, false);
        writeValue(of!, entries[name], out, inits);
        putLength(out, before, 1);
      }
    }
  }
}

/** The key of a map entry, from the name of its property. */
function keyOf(type: number, name: string): unknown {
  switch (type) {
    case 9: // string
      return name;
    case 8: // bool
      if (name === "true" || name === "false") return name === "true";
      throw new TypeError("a key that is neither true nor false");
    case 3:
    case 4:
    case 6:
    case 16:
    case 18: // 64 bits
      return BigInt(name);
    default:
      return Number.parseInt(name);
  }
}

/** Writes a tag and leaves a byte for the length; returns how much comes before the body. */
function begin(tag: number, out: EncodeBuffer): number {
  const at = out.reserve(MAX_TAG + 1);
  out.offset = putVarint(out.bytes, at, tag) + 1;
  return out.length;
}

/** Writes a tag and the value after it. */
function writeValue(field: FieldPlan, value: unknown, out: EncodeBuffer, inits: boolean): void {
  const { tag, type } = field;
  switch (type) {
    case 9: // string
      writeString(tag, value, out);
      return;
    case 11: { // message
      const before = begin(tag, out);
      if (field.wrapped === undefined) writeMessage(field.message!, value as Fields, out, inits);
      else if (!isZero(field.wrapped, value)) writeValue(field.wrapped, value, out, inits);
      putLength(out, before, 1);
      return;
    }
    case 10: // group
      writeTag(tag, out);
      writeMessage(field.message!, value as Fields, out, inits);
      writeTag(tag + 1, out);
      return;
    case 12: { // bytes
      // The library makes bytes of a list, and would write less than there is of a buffer.
      if (inits && !isSized(value)) throw new TypeError("bytes that are none");
      checkBytes(field.name, value);
      // First the room: it may come with another slab.
      const start = out.reserve(MAX_TAG_AND_NUMBER);
      const at = putVarint(out.bytes, start, tag);
      out.offset = putVarint(out.bytes, at, value.length);
      out.lend(value);
      return;
    }
    default:
      writeNumber(type, tag, value, out);
  }
}

function writeLong(tag: number, value: bigint, out: EncodeBuffer): void {
  const start = out.reserve(MAX_TAG_AND_NUMBER);
  const at = putVarint(out.bytes, start, tag);
  out.offset = putVarint64(out.bytes, at, value);
}

function writeString(tag: number, value: unknown, out: EncodeBuffer): void {
  if (typeof value !== "string") throw new TypeError("a string that is none");
  const { length } = value;
  if (length <= SHORT) {
    const start = out.reserve(MAX_TAG + 1 + SHORT);
    const { bytes } = out;
    const at = putVarint(bytes, start, tag) + 1;
    if (putAscii(bytes, at, value)) {
      bytes[at - 1] = length;
      out.offset = at + length;
      return;
    }
  }
  // Leave room for the length that ASCII would have.
  const guessed = varintWidth(value.length);
  const at = out.reserve(MAX_TAG_AND_NUMBER);
  out.offset = putVarint(out.bytes, at, tag) + guessed;
  const before = out.length;
  writeText(value, out);
  putLength(out, before, guessed);
}

/** Instead of a tag, for packed numbers. */
const NO_TAG = 0;

/** Writes a tag and a value of any type except text, bytes and messages. */
function writeNumber(type: number, tag: number, value: unknown, out: EncodeBuffer): void {
  let at = out.reserve(MAX_TAG_AND_NUMBER);
  const { bytes } = out;
  if (tag !== NO_TAG) at = putVarint(bytes, at, tag);
  switch (type) {
    case 4: // uint64
    case 3: // int64
    case 18: // sint64
      out.offset = putVarint64(bytes, at, varint64(type, value));
      return;
    case 6: // fixed64
    case 16: // sfixed64
      out.view.setBigInt64(at, long(value, type === 6), true);
      out.offset = at + 8;
      return;
    case 13: // uint32
      out.offset = putVarint(bytes, at, unsigned(value));
      return;
    case 5: // int32
    case 14: { // enum
      const number = signed(value);
      // Negative numbers are extended to 64 bits.
      if (number >= 0) out.offset = putVarint(bytes, at, number);
      else out.offset = putBits(bytes, at, number, -1);
      return;
    }
    case 17: { // sint32
      const number = signed(value);
      out.offset = putVarint(bytes, at, (number << 1 ^ number >> 31) >>> 0);
      return;
    }
    case 8: // bool
      if (typeof value !== "boolean") throw new TypeError("a bool that is none");
      bytes[at] = value ? 1 : 0;
      out.offset = at + 1;
      return;
    case 7: // fixed32
      out.view.setUint32(at, unsigned(value), true);
      out.offset = at + 4;
      return;
    case 15: // sfixed32
      out.view.setInt32(at, signed(value), true);
      out.offset = at + 4;
      return;
    case 1: // double
      out.view.setFloat64(at, float(value), true);
      out.offset = at + 8;
      return;
    case 2: { // float
      const number = float(value);
      if (!Number.isFinite(Math.fround(number)) && Number.isFinite(number)) {
        throw new RangeError("a float that is too large");
      }
      out.view.setFloat32(at, number, true);
      out.offset = at + 4;
    }
  }
}

function unsigned(value: unknown): number {
  if ((value as number) >>> 0 !== value) throw new TypeError("no u32");
  return value;
}

function signed(value: unknown): number {
  if (((value as number) | 0) !== value) throw new TypeError("no i32");
  return value;
}

function float(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("no float");
  return value;
}

/** A 64-bit number, which may be given as a decimal string. */
function long(value: unknown, unsigned: boolean): bigint {
  const parsed = unsigned ? protoInt64.uParse(value as string) : protoInt64.parse(value as string);
  return parsed as bigint;
}

/** A 64-bit number, as encoded in a varint. */
function varint64(type: number, value: unknown): bigint {
  const parsed = typeof value === "bigint" && value >= 0n && value <= MAX_INT64
    ? value // both types have it: no need to ask the library
    : long(value, type === 4);
  return type === 18 ? zigzag64(parsed) : parsed;
}

const MAX_INT64 = 2n ** 63n - 1n;

/** Whether it has a number of bytes, as bytes have, and what could be taken for them. */
function isSized(value: unknown): value is { readonly byteLength: number } {
  return (value as Partial<Uint8Array> | null)?.byteLength !== undefined;
}
