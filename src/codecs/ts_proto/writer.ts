import { protoInt64 } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { EncodeBuffer } from "../../streams/encode_buffer.ts";
import { putAscii, SHORT, writeText } from "../text.ts";
import { putLength, putVarint, varintWidth } from "../varint.ts";
import { putBits, putVarint64, zigzag64 } from "../varint64.ts";

const NOWHERE = new EncodeBuffer();
const MAX_INT64 = 2n ** 63n - 1n;

/** Encodes one type of message. */
export interface Encodes<Message> {
  encode(message: Message, writer: BinaryWriter): { finish(): Uint8Array };
}

/** A writer of protobuf's wire format, straight into a connection's send buffer. */
export class SlabWriter extends BinaryWriter {
  static readonly #shared = new SlabWriter();
  #out = NOWHERE;
  /** Where the nested messages that are not complete begin. */
  readonly #forks: number[] = [];
  /** How many there are; the array keeps its length, since shortening it is slow. */
  #depth = 0;

  /** The one that all may use; another within a message, whose code may do whatever it likes. */
  static idle(): SlabWriter {
    const shared = SlabWriter.#shared;
    return shared.#out === NOWHERE ? shared : new SlabWriter();
  }

  /** Appends a message to `out`. */
  write<Message>(type: Encodes<Message>, message: Message, out: EncodeBuffer): void {
    this.#out = out;
    try {
      const writer = type.encode(message, this);
      if (writer !== this) out.lend(writer.finish());
    } finally {
      this.#out = NOWHERE;
      this.#depth = 0;
    }
  }

  override fork(): this {
    const out = this.#out;
    out.reserve(1);
    out.offset++;
    this.#forks[this.#depth++] = out.length;
    return this;
  }

  override join(): this {
    if (this.#depth === 0) throw new Error("there is a join() without a fork()");
    putLength(this.#out, this.#forks[--this.#depth]!, 1);
    return this;
  }

  override tag(number: number, type: number): this {
    return this.uint32((number << 3 | type) >>> 0);
  }

  override raw(bytes: Uint8Array): this {
    this.#out.lend(bytes);
    return this;
  }

  override uint32(value: number): this {
    const out = this.#out;
    const at = out.reserve(5);
    const number = value >>> 0 === value ? value : unsigned32("uint32", value);
    out.offset = putVarint(out.bytes, at, number);
    return this;
  }

  override int32(value: number): this {
    const out = this.#out;
    const at = out.reserve(10);
    const number = (value | 0) === value ? value : signed32("int32", value);
    // Negative numbers are extended to 64 bits.
    if (number >= 0) out.offset = putVarint(out.bytes, at, number);
    else out.offset = putBits(out.bytes, at, number, -1);
    return this;
  }

  override sint32(value: number): this {
    const number = (value | 0) === value ? value : signed32("sint32", value);
    return this.uint32((number << 1 ^ number >> 31) >>> 0);
  }

  override uint64(value: string | number | bigint): this {
    return this.#varint64(unsigned(value));
  }

  override int64(value: string | number | bigint): this {
    return this.#varint64(signed(value));
  }

  override sint64(value: string | number | bigint): this {
    return this.#varint64(zigzag64(signed(value)));
  }

  override fixed64(value: string | number | bigint): this {
    return this.#fixed64(unsigned(value));
  }

  override sfixed64(value: string | number | bigint): this {
    return this.#fixed64(signed(value));
  }

  override fixed32(value: number): this {
    const number = value >>> 0 === value ? value : unsigned32("fixed32", value);
    const at = this.#advance(4);
    this.#out.view.setUint32(at, number, true);
    return this;
  }

  override sfixed32(value: number): this {
    const number = (value | 0) === value ? value : signed32("sfixed32", value);
    const at = this.#advance(4);
    this.#out.view.setInt32(at, number, true);
    return this;
  }

  override float(value: number): this {
    const tooLarge = !Number.isFinite(Math.fround(value)) && Number.isFinite(value);
    if (typeof value !== "number" || tooLarge) throw invalid("float", value);
    const at = this.#advance(4);
    this.#out.view.setFloat32(at, value, true);
    return this;
  }

  override double(value: number): this {
    if (typeof value !== "number") throw invalid("double", value);
    const at = this.#advance(8);
    this.#out.view.setFloat64(at, value, true);
    return this;
  }

  override bool(value: boolean): this {
    const at = this.#advance(1);
    this.#out.bytes[at] = value ? 1 : 0;
    return this;
  }

  override bytes(value: Uint8Array): this {
    // What only looks like bytes would be sent with a length that is not its own.
    if (value?.BYTES_PER_ELEMENT !== 1) throw invalid("bytes", value);
    this.uint32(value.byteLength);
    return this.raw(value);
  }

  override string(value: string): this {
    if (typeof value !== "string") throw invalid("string", value);
    const out = this.#out;
    const { length } = value;
    if (length <= SHORT) {
      const at = out.reserve(length + 1);
      if (putAscii(out.bytes, at + 1, value)) {
        out.bytes[at] = length;
        out.offset = at + 1 + length;
        return this;
      }
    }
    // Leave room for the length that ASCII would have.
    const guessed = varintWidth(length);
    out.reserve(guessed);
    out.offset += guessed;
    const before = out.length;
    writeText(value, out);
    putLength(out, before, guessed);
    return this;
  }

  #varint64(value: bigint): this {
    const out = this.#out;
    const at = out.reserve(10);
    out.offset = putVarint64(out.bytes, at, value);
    return this;
  }

  #fixed64(value: bigint): this {
    const at = this.#advance(8);
    this.#out.view.setBigInt64(at, value, true);
    return this;
  }

  #advance(size: number): number {
    const out = this.#out;
    const at = out.reserve(size);
    out.offset = at + size;
    return at;
  }
}

/** Generated code passes the keys of maps as they are in objects: as text. */
function unsigned32(type: string, value: unknown): number {
  const number = typeof value === "string" ? Number(value) : NaN;
  if (number >>> 0 !== number) throw invalid(type, value);
  return number;
}

function signed32(type: string, value: unknown): number {
  const number = typeof value === "string" ? Number(value) : NaN;
  if ((number | 0) !== number) throw invalid(type, value);
  return number;
}

function unsigned(value: string | number | bigint): bigint {
  // Most values need not be checked by the library.
  if (typeof value === "bigint" && value >= 0n && value <= MAX_INT64) return value;
  return BigInt(protoInt64.uParse(value));
}

function signed(value: string | number | bigint): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= MAX_INT64) return value;
  return BigInt(protoInt64.parse(value));
}

function invalid(type: string, value: unknown): TypeError {
  return new TypeError(`invalid ${type}: ${String(value)}`);
}
