// The frames of bench/proto/bytes.proto by hand: large payloads are not copied where that can be.
import type { Raw } from "../floor/sockets.ts";

/** Longer payloads are written by themselves, instead of being copied behind their header. */
const MAX_COPIED = 64 * 1024;
const MAX_HEADER = 32;

/** Writes frames one after another. */
export class Out {
  readonly #raw: Raw;
  readonly #waiting: Uint8Array[] = [];
  #writing = false;

  constructor(raw: Raw) {
    this.#raw = raw;
  }

  append(id: number, data: Uint8Array): void {
    const body = 1 + width(id) + 1 + width(data.length) + data.length;
    const copied = data.length <= MAX_COPIED;
    const bytes = new Uint8Array(MAX_HEADER + (copied ? data.length : 0));
    let at = varint(bytes, 0, body);
    bytes[at++] = 0x08;
    at = varint(bytes, at, id);
    bytes[at++] = 0x1a;
    at = varint(bytes, at, data.length);
    if (copied) {
      bytes.set(data, at);
      this.#waiting.push(bytes.subarray(0, at + data.length));
    } else {
      this.#waiting.push(bytes.subarray(0, at), data);
    }
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let next; (next = this.#waiting.shift());) {
        const written = this.#raw.write(next);
        if (written) await written;
      }
    } catch {
      // The other end has gone.
    }
    this.#writing = false;
  }
}

/** Gathers frames: the memory of a large one is allocated once, when its length is known. */
export class In {
  readonly #onFrame: (id: number, data: Uint8Array) => void;
  #frame: Uint8Array | undefined;
  #filled = 0;
  /** The beginning of a length that was cut. */
  #rest = new Uint8Array(0);

  constructor(onFrame: (id: number, data: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** The bytes may be written again afterwards. */
  push(bytes: Uint8Array): void {
    let at = 0;
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
      this.#rest = new Uint8Array(0);
    }
    while (at < bytes.length) {
      if (this.#frame === undefined) {
        const [size, next] = readVarint(bytes, at);
        if (next < 0) {
          this.#rest = bytes.slice(at);
          return;
        }
        at = next;
        this.#frame = new Uint8Array(size);
        this.#filled = 0;
      }
      const part = bytes.subarray(at, at + this.#frame.length - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#frame.length) return;
      const frame = this.#frame;
      this.#frame = undefined;
      const [id, afterId] = readVarint(frame, 1);
      const [length, start] = readVarint(frame, afterId + 1);
      this.#onFrame(id, frame.subarray(start, start + length));
    }
  }
}

function width(value: number): number {
  let width = 1;
  for (; value >= 128; value = Math.floor(value / 128)) width++;
  return width;
}

function varint(bytes: Uint8Array, at: number, value: number): number {
  for (; value >= 128; value = Math.floor(value / 128)) bytes[at++] = (value % 128) | 128;
  bytes[at++] = value;
  return at;
}

/** The value, and where it ends: -1 if it is cut. */
function readVarint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let scale = 1; at < bytes.length; scale *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
  return [0, -1];
}
