// The frames of examples/proto, read and written by hand, with nothing between them and a socket.
import { Buffer } from "node:buffer";
import type { Raw } from "./sockets.ts";

/** What all messages of the echo have, in the order of their fields. */
export interface Message {
  id: number;
  message: string;
  nanotime: number;
  /** Of an item. */
  sequence: number;
  /** Which field the body is: 3 of a request or an echo, 4 of an item. */
  body: number;
  /** Of a response: 2 is the end of a stream. */
  code: number;
  /** Of a request. */
  streams: boolean;
}

const MIN_SLAB = 64 * 1024;
/** More than what a message has besides its text. */
const MARGIN = 64;
/** Below it, text is read and written letter by letter while it is ASCII. */
const SHORT = 48;

/** One slab for what is appended in a turn, and one that is being written. */
export class Out {
  #bytes = new Uint8Array(MIN_SLAB);
  #spare = new Uint8Array(MIN_SLAB);
  #at = 0;
  #writing = false;
  readonly #raw: Raw;
  /** Called when there is room again after {@linkcode full}. */
  onRoom: () => void = () => {};

  constructor(raw: Raw) {
    this.#raw = raw;
  }

  get full(): boolean {
    return this.#at >= MIN_SLAB;
  }

  append({ id, message, nanotime, sequence, body, code, streams }: Message): void {
    const { length } = message;
    const size = length < SHORT ? length * 3 : Buffer.byteLength(message);
    this.#reserve(size + MARGIN);
    // Each body is written behind the room that its length needs at the most.
    const bytes = this.#bytes;
    const width = size < 64 ? 1 : size < 8000 ? 2 : 5;
    const start = this.#at;
    let at = start + width;
    if (id !== 0) at = varint(bytes, put(bytes, at, 0x08), id);
    if (code !== 0) at = varint(bytes, put(bytes, at, 0x10), code);
    if (body !== 0) {
      at = put(bytes, at, body << 3 | 2);
      const inner = at + width;
      let end = inner;
      if (length > 0) {
        end = text(bytes, put(bytes, end, 0x0a), message, size);
      }
      if (nanotime !== 0) end = varint(bytes, put(bytes, end, 0x10), nanotime);
      if (sequence !== 0) end = varint(bytes, put(bytes, end, 0x18), sequence);
      padded(bytes, at, end - inner, width);
      at = end;
    }
    if (streams) at = put(bytes, put(bytes, at, 0x20), 1);
    padded(bytes, start, at - start - width, width);
    this.#at = at;
  }

  /** Appends what has been encoded. */
  write(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Writes what has been appended, unless a write is under way: then after it. */
  flush(): void {
    while (!this.#writing && this.#at > 0) {
      const bytes = this.#bytes.subarray(0, this.#at);
      const written = this.#raw.write(bytes);
      this.#at = 0;
      if (written === undefined) continue;
      this.#writing = true;
      [this.#bytes, this.#spare] = [this.#spare, this.#bytes];
      written.then(() => {
        this.#writing = false;
        this.flush();
        this.onRoom();
      }, () => {});
    }
  }

  #reserve(size: number): void {
    if (this.#bytes.length - this.#at >= size) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

function put(bytes: Uint8Array, at: number, byte: number): number {
  bytes[at] = byte;
  return at + 1;
}

function varint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
  bytes[at] = rest;
  return at + 1;
}

/** A varint of so many bytes, whatever the value. */
function padded(bytes: Uint8Array, at: number, value: number, width: number): void {
  for (let i = 1; i < width; i++, value >>>= 7) bytes[at++] = (value & 127) | 128;
  bytes[at] = value;
}

/** A string behind its length; `size` is that in UTF-8 if it is not short. */
function text(bytes: Uint8Array, at: number, message: string, size: number): number {
  const { length } = message;
  if (length < SHORT) {
    let i = 0;
    for (; i < length; i++) {
      const code = message.charCodeAt(i);
      if (code > 127) break;
      bytes[at + 1 + i] = code;
    }
    if (i === length) {
      bytes[at] = length;
      return at + 1 + length;
    }
    size = Buffer.byteLength(message);
  }
  at = varint(bytes, at, size);
  Buffer.from(bytes.buffer, bytes.byteOffset + at, size).write(message, "utf8");
  return at + size;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < SHORT) {
    let string = "";
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 127) return decoder.decode(bytes.subarray(start, end));
      string += String.fromCharCode(byte);
    }
    return string;
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** Cuts what is read into frames. */
export class In {
  /** The beginning of a frame whose end is still to come. */
  #rest = new Uint8Array(0);
  #length = 0;
  /** How long that frame is at least. */
  #needed = 0;
  #at = 0;
  readonly #onMessage: (message: Message) => void;

  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  push(bytes: Uint8Array): void {
    if (this.#length === 0) return this.#keep(bytes, this.#frames(bytes, bytes.length));
    this.#reserve(this.#length + bytes.length);
    this.#rest.set(bytes, this.#length);
    this.#length += bytes.length;
    if (this.#length < this.#needed) return;
    const rest = this.#rest.subarray(0, this.#length);
    const used = this.#frames(rest, this.#length);
    this.#rest.copyWithin(0, used, this.#length);
    this.#length -= used;
    if (this.#length === 0) this.#rest = new Uint8Array(0);
  }

  #keep(bytes: Uint8Array, used: number): void {
    if (used === bytes.length) return;
    this.#length = bytes.length - used;
    this.#reserve(this.#length);
    this.#rest.set(bytes.subarray(used));
  }

  #reserve(length: number): void {
    if (this.#rest.length >= length) return;
    const larger = new Uint8Array(Math.max(length, this.#rest.length * 2));
    larger.set(this.#rest.subarray(0, Math.min(this.#length, this.#rest.length)));
    this.#rest = larger;
  }

  /** Reads all whole frames and returns where they end. */
  #frames(bytes: Uint8Array, length: number): number {
    for (let used = 0;;) {
      this.#needed = 0;
      if (used === length) return used;
      this.#at = used;
      const size = this.#varint(bytes);
      const end = this.#at + size;
      if (this.#at > length || end > length) {
        this.#needed = end - used;
        return used;
      }
      this.#onMessage(this.#message(bytes, end));
      used = end;
    }
  }

  #varint(bytes: Uint8Array): number {
    let byte = bytes[this.#at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = bytes[this.#at++]!;
      value += (byte & 127) * scale;
    }
    return value;
  }

  #message(bytes: Uint8Array, end: number): Message {
    const message: Message = {
      id: 0,
      message: "",
      nanotime: 0,
      sequence: 0,
      body: 0,
      code: 0,
      streams: false,
    };
    while (this.#at < end) {
      const tag = bytes[this.#at++]!;
      if (tag === 0x08) message.id = this.#varint(bytes);
      else if (tag === 0x10) message.code = this.#varint(bytes);
      else if (tag === 0x20) message.streams = this.#varint(bytes) === 1;
      else if (tag === 0x1a || tag === 0x22) {
        message.body = tag >> 3;
        const size = this.#varint(bytes);
        this.#body(message, bytes, this.#at + size);
      } else throw new Error(`No field of the echo has the tag ${tag}`);
    }
    return message;
  }

  #body(message: Message, bytes: Uint8Array, end: number): void {
    while (this.#at < end) {
      const tag = bytes[this.#at++]!;
      if (tag === 0x0a) {
        const size = this.#varint(bytes);
        message.message = readText(bytes, this.#at, this.#at += size);
      } else if (tag === 0x10) message.nanotime = this.#varint(bytes);
      else if (tag === 0x18) message.sequence = this.#varint(bytes);
      else throw new Error(`No field of the echo's body has the tag ${tag}`);
    }
  }
}
