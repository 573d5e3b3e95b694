import { readText } from "../../codecs/text.ts";
import { int64, Varint64 } from "../../codecs/varint64.ts";
import type { RpcId } from "../../rpc/mod.ts";
import type { MetadataValue } from "../metadata.ts";
import {
  type Entries,
  ServiceRequest,
  ServiceResponse,
  TOO_MUCH,
  type WireMethod,
  type WireStatus,
} from "./messages.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
/** The longest name of a method. */
const MAX_PATH = 1024;
/** How many details a status may have. */
const MAX_DETAILS = 64;

/** How much metadata a message may have. */
export interface MetadataLimits {
  readonly maxMetadataEntries: number;
  readonly maxMetadataBytes: number;
}

/** Finds the method of a path in UTF-8. */
export type FindMethod = (bytes: Uint8Array, start: number, end: number) => WireMethod | undefined;

/** What both kinds of message have in common. A client has no need of the code for requests. */
class EnvelopeReader {
  readonly #limits: MetadataLimits;
  readonly #varint64 = new Varint64();
  #end = 0;
  protected bytes: Uint8Array = EMPTY;
  /** Where the next byte is. */
  protected at = 0;
  /** How much metadata the message has so far. */
  #entries = 0;
  #entryBytes = 0;

  constructor(limits: MetadataLimits) {
    this.#limits = limits;
  }

  protected open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.#end = end;
    this.#entries = this.#entryBytes = 0;
  }

  protected close(): void {
    // So as not to keep the chunk in memory.
    this.bytes = EMPTY;
    if (this.at !== this.#end) throw new RangeError("it ends within a field");
  }

  /** Adds an entry of metadata to those before it. */
  protected entry(before: Entries | undefined): Entries {
    const end = this.length();
    this.#entries++;
    const { maxMetadataEntries, maxMetadataBytes } = this.#limits;
    let isTooMuch = before === TOO_MUCH || this.#entries > maxMetadataEntries;
    let key = "";
    let value: MetadataValue = "";
    while (this.at < end && !isTooMuch) {
      const tag = this.varint();
      if (tag !== 0x0a && tag !== 0x12) {
        this.skip(tag);
        continue;
      }
      const last = this.length();
      this.#entryBytes += last - this.at;
      isTooMuch = this.#entryBytes > maxMetadataBytes;
      if (isTooMuch) break;
      if (tag === 0x0a) key = readText(this.bytes, this.at, last);
      // A copy, as it is small and may live long.
      else value = this.bytes.slice(this.at, last);
      this.at = last;
    }
    if (isTooMuch) {
      this.at = end;
      return TOO_MUCH;
    }
    const entries = (before ?? []) as [string, MetadataValue][];
    entries.push([key, value]);
    return entries;
  }

  protected skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        break;
      case 1:
        this.at += 8;
        break;
      case 2:
        this.at = this.length();
        break;
      case 5:
        this.at += 4;
        break;
      default:
        throw new RangeError(`the wire type of the tag ${tag} is not known`);
    }
    if (tag < 8 || this.at > this.#end) throw new RangeError("a field does not fit");
  }

  /** Reads a length and returns where its bytes end. */
  protected length(): number {
    const last = this.varint() + this.at;
    if (last > this.#end) throw new RangeError("a field is longer than its message");
    return last;
  }

  protected id(): RpcId {
    const number = this.varint();
    return Number.isSafeInteger(number)
      ? number
      : int64(this.#varint64.low, this.#varint64.high, false);
  }

  /** Reads a varint. One beyond 2^53 is rounded. */
  protected varint(): number {
    const byte = this.bytes[this.at]!;
    if (byte < 128) {
      this.at++;
      return byte;
    }
    const at = this.#varint64.read(this.bytes, this.at);
    if (at === 0 || at > this.#end) throw new RangeError("a number does not fit");
    this.at = at;
    return this.#varint64.high * 2 ** 32 + this.#varint64.low;
  }
}

/** Reads the requests of one connection, without their framing. */
export class RequestReader extends EnvelopeReader {
  readonly #find: FindMethod;

  constructor(limits: MetadataLimits, find: FindMethod) {
    super(limits);
    this.#find = find;
  }

  /** Reads a request. Throws if it is none. */
  read(bytes: Uint8Array, start: number, end: number): ServiceRequest {
    const message = new ServiceRequest();
    this.open(bytes, start, end);
    while (this.at < end) {
      const tag = this.varint();
      switch (tag) {
        case 0x08:
          message.id = this.id();
          break;
        case 0x10:
          message.code = this.varint();
          break;
        case 0x1a: {
          const last = this.length();
          if (last - this.at > MAX_PATH) throw new RangeError("the method's name is too long");
          message.method = this.#find(bytes, this.at, last);
          if (message.method === undefined) message.path = readText(bytes, this.at, last);
          this.at = last;
          break;
        }
        case 0x22:
          message.end = this.length();
          message.bytes = bytes;
          message.start = this.at;
          this.at = message.end;
          break;
        case 0x28:
          message.deadline = this.#deadline();
          break;
        case 0x32:
          message.metadata = this.entry(message.metadata);
          break;
        case 0x38:
          message.stream = this.varint() !== 0;
          break;
        case 0x40:
          message.encoding = this.varint();
          break;
        default:
          this.skip(tag);
      }
    }
    this.close();
    // An item's is of no use, and would take a hundred times its bytes in memory.
    if (message.code !== 0) message.metadata = undefined;
    return message;
  }

  #deadline(): number {
    const micros = this.varint();
    return micros === 0 ? 0 : performance.now() + micros / 1000;
  }
}

/** Reads the responses of one connection, without their framing. */
export class ResponseReader extends EnvelopeReader {
  /** Reads a response. Throws if it is none. */
  read(bytes: Uint8Array, start: number, end: number): ServiceResponse {
    const message = new ServiceResponse();
    this.open(bytes, start, end);
    while (this.at < end) {
      const tag = this.varint();
      switch (tag) {
        case 0x08:
          message.id = this.id();
          break;
        case 0x10:
          message.code = this.varint();
          break;
        case 0x1a:
          message.end = this.length();
          message.bytes = bytes;
          message.start = this.at;
          this.at = message.end;
          break;
        case 0x22:
          message.status = this.#status();
          break;
        case 0x2a:
          message.metadata = this.entry(message.metadata);
          break;
        case 0x38:
          message.unbegun = this.varint() !== 0;
          break;
        case 0x42:
          message.trailers = this.entry(message.trailers);
          break;
        default:
          this.skip(tag);
      }
    }
    this.close();
    return message;
  }

  #status(): WireStatus {
    const end = this.length();
    let code = 0;
    let message = "";
    const details: { typeUrl: string; value: Uint8Array }[] = [];
    while (this.at < end) {
      const tag = this.varint();
      if (tag === 0x08) code = this.varint();
      else if (tag === 0x12) message = this.#text();
      else if (tag === 0x1a && details.length < MAX_DETAILS) details.push(this.#any());
      else this.skip(tag);
    }
    return { code, message, details };
  }

  #any(): { typeUrl: string; value: Uint8Array } {
    const end = this.length();
    let typeUrl = "";
    let value = EMPTY;
    while (this.at < end) {
      const tag = this.varint();
      if (tag === 0x0a) typeUrl = this.#text();
      else if (tag === 0x12) value = this.#bytesOf();
      else this.skip(tag);
    }
    return { typeUrl, value };
  }

  #text(): string {
    const end = this.length();
    const text = readText(this.bytes, this.at, end);
    this.at = end;
    return text;
  }

  /** A copy, as it may live long. */
  #bytesOf(): Uint8Array {
    const end = this.length();
    const bytes = this.bytes.slice(this.at, end);
    this.at = end;
    return bytes;
  }
}
