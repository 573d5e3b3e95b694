import { describeArrived } from "./_arrived.ts";
import { ReceiveBuffer } from "./_receive_buffer.ts";
import type { Decoder, DecodeResult } from "../codec.ts";
import { ConnectionError, userCode } from "../errors.ts";

type Incomplete = Extract<DecodeResult<never>, { kind: "incomplete" }>;

const NOTHING = new Uint8Array(0);

/**
 * Cuts chunks of bytes into messages, one at a time, without any I/O: {@linkcode feed} it a
 * chunk, and ask for the {@linkcode next} message until there is none. What is incomplete is
 * kept until more arrives.
 */
export class Decoding<Message> {
  /** The message that {@linkcode next} has found, until {@linkcode drop}. */
  message: Message | undefined;
  /** Its size in bytes, including its framing. */
  bytes = 0;
  /** How many messages have been decoded or skipped. */
  decoded = 0;
  readonly #decoder: Decoder<Message>;
  readonly #max: number;
  /** The chunk that is being cut, how long it was, and where the next message begins in it. */
  #chunk: Uint8Array = NOTHING;
  #length = 0;
  #at = 0;
  /** What follows it, if a decoder had asked for more bytes than its message took. */
  #behind: Uint8Array | undefined;
  /** The beginning of an incomplete message, once there has been one. */
  #held: ReceiveBuffer | undefined;
  /** If bytes are held: how many there must be before the decoder is called again. */
  #needed = 0;
  /** Whether the decoder asked for just one byte more, since it does not know the total. */
  #openEnded = false;
  /** Bytes to skip that have not arrived yet. */
  #skip = 0;

  constructor(decoder: Decoder<Message>, max: number) {
    this.#decoder = decoder;
    this.#max = max;
  }

  /** Whether part of a message has arrived, but not all of it. */
  get incomplete(): boolean {
    return this.#heldLength > 0 || this.#skip > 0;
  }

  /** What has arrived so far, if that is not even one message; see {@linkcode describeArrived}. */
  get arrived(): string {
    return this.#heldLength > 0 ? this.#first(this.#held!.bytes, 0) : "";
  }

  /** Whether bytes have not been looked at yet. */
  get behind(): boolean {
    return this.#at < this.#length || this.#behind !== undefined;
  }

  /** Hands over a chunk. The last one must have been used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#length = chunk.length;
    this.#at = 0;
  }

  /**
   * Decodes the next message; returns `false` if more bytes must arrive first, and lets go of
   * the memory. Throws a {@linkcode ConnectionError}.
   */
  next(): boolean {
    for (;;) {
      if (this.#at < this.#length) {
        if (this.#step()) return true;
      } else if (this.#behind) {
        const behind = this.#behind;
        this.#behind = undefined;
        this.feed(behind);
      } else {
        // Not to keep them in memory while the next chunk is waited for.
        this.#chunk = NOTHING;
        this.#length = this.#at = 0;
        this.message = undefined;
        return false;
      }
    }
  }

  /** Lets go of the chunk: nothing more will be decoded. */
  drop(): void {
    this.feed(NOTHING);
    this.#behind = this.message = undefined;
    this.#held?.clear();
  }

  /** The input has ended. Throws if a message is incomplete. */
  end(): void {
    if (!this.incomplete) return;
    const state = this.#skip > 0
      ? `${this.#skip} bytes to be skipped had not arrived`
      : `${this.#heldLength} of at least ${this.#needed} bytes had arrived${this.arrived}`;
    this.#held?.clear();
    throw new ConnectionError(
      "truncated",
      `The input ended in the middle of a message: ${state}`,
    );
  }

  /** Gets on in the chunk; returns whether it has found a message. */
  #step(): boolean {
    const chunk = this.#chunk;
    if (chunk.length !== this.#length) throw detached();
    if (this.#skip > 0) {
      const dropped = Math.min(this.#skip, this.#length - this.#at);
      this.#skip -= dropped;
      this.#at += dropped;
      return false;
    }
    if (this.#heldLength > 0) return this.#complete(this.#held!, chunk);
    const result = this.#ask(chunk, this.#at);
    if (result.kind === "message") {
      this.#found(result.message, result.bytesUsed);
      this.#at += result.bytesUsed;
      return true;
    }
    if (result.kind === "skip") {
      this.#skip = result.distance;
    } else {
      this.#hold(chunk.subarray(this.#at), (result as Incomplete).bytesNeeded);
      this.#at = this.#length;
    }
    return false;
  }

  /** Adds to the held message what it needs. */
  #complete(buffer: ReceiveBuffer, chunk: Uint8Array): boolean {
    const held = buffer.length;
    // A decoder that asks for one byte more may do so again and again: double what it
    // sees, so that its work stays linear.
    const wanted = this.#openEnded ? Math.min(held, this.#max - held) : this.#needed - held;
    const taken = Math.min(wanted, this.#length - this.#at);
    buffer.append(chunk.subarray(this.#at, this.#at + taken), this.#expected());
    this.#at += taken;
    if (buffer.length < this.#needed) return false;

    const { bytes } = buffer;
    const result = this.#ask(bytes, 0);
    if (result.kind === "incomplete") {
      this.#waitFor(result.bytesNeeded, bytes.length);
      return false;
    }
    let used = 0;
    const found = result.kind === "message";
    if (found) {
      used = result.bytesUsed;
      this.#found(result.message, used);
    } else if (result.kind === "skip") {
      used = Math.min(result.distance, bytes.length);
      this.#skip = result.distance - used;
    }
    buffer.clear();
    const rest = bytes.length - used;
    if (rest <= taken) {
      this.#at -= rest;
    } else {
      // The decoder asked for more than its message took, so the next message began before
      // this chunk: decode the rest first.
      if (this.#at < this.#length) this.#behind = chunk.subarray(this.#at);
      this.feed(bytes.subarray(used));
    }
    return found;
  }

  #found(message: Message, bytes: number): void {
    this.message = message;
    this.bytes = bytes;
  }

  #hold(bytes: Uint8Array, needed: number): void {
    this.#waitFor(needed, bytes.length);
    (this.#held ??= new ReceiveBuffer()).append(bytes, this.#expected());
  }

  #waitFor(needed: number, shown: number): void {
    this.#needed = needed;
    this.#openEnded = needed === shown + 1;
  }

  get #heldLength(): number {
    return this.#held === undefined ? 0 : this.#held.length;
  }

  /** How long the held message can become. */
  #expected(): number {
    return this.#openEnded ? this.#max : this.#needed;
  }

  /** Calls the decoder, and checks that its result keeps the contract. */
  #ask(bytes: Uint8Array, offset: number): DecodeResult<Message> {
    let result: DecodeResult<Message>;
    try {
      result = this.#decoder.decode(bytes, offset);
    } catch (cause) {
      throw userCode("decoder", "The decoder threw", cause);
    }
    const shown = bytes.length - offset;
    if (result.kind === "message") {
      const { bytesUsed } = result;
      if (Number.isInteger(bytesUsed) && bytesUsed > 0 && bytesUsed <= shown) {
        if (bytesUsed > this.#max) throw this.#tooLarge(bytesUsed, bytes, offset);
        this.decoded++;
        return result;
      }
      throw new ConnectionError(
        "decoder",
        `The decoder claims to have used ${bytesUsed} of the ${shown} bytes that it was shown`,
      );
    }
    if (result.kind === "incomplete") {
      if (result.bytesNeeded > this.#max) throw this.#tooLarge(result.bytesNeeded, bytes, offset);
      if (result.bytesNeeded > shown) return result;
      throw new ConnectionError(
        "decoder",
        `The decoder asks for ${result.bytesNeeded} bytes, but it was shown ${shown}`,
      );
    }
    if (result.kind === "skip") {
      if (Number.isSafeInteger(result.distance) && result.distance > 0) {
        this.decoded++;
        return result;
      }
      throw new ConnectionError("decoder", `The decoder wants to skip ${result.distance} bytes`);
    }
    const message = `Invalid message: ${result.reason}${this.#first(bytes, offset)}`;
    throw new ConnectionError("invalid-message", message, { cause: result.cause });
  }

  #tooLarge(size: number, bytes: Uint8Array, offset: number): ConnectionError {
    const message = `A message of at least ${size} bytes is over maxBufferLength, ${this.#max} ` +
      `bytes${this.#first(bytes, offset)}`;
    return new ConnectionError("message-too-large", message);
  }

  /** Describes the first bytes of a connection, as the other end may speak something else. */
  #first(bytes: Uint8Array, offset: number): string {
    return this.decoded > 0 ? "" : `; ${describeArrived(bytes.subarray(offset))}`;
  }
}

function detached(): ConnectionError {
  return new ConnectionError(
    "reactor",
    "The memory of a chunk was transferred while messages were still in it: copy what a message " +
      "views before you transfer it",
  );
}
