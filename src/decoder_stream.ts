import { ReceiveBuffer } from "./_receive_buffer.ts";
import type { Decoder, DecodeResult } from "./codec.ts";
import { ConnectionError } from "./errors.ts";
import { checkMaxBufferLength, checkOption } from "./options.ts";

/** Options of a {@linkcode DecoderStream}. */
export interface DecoderStreamOptions {
  /**
   * The largest message, in bytes, including its framing. From 1 to 2^32.
   *
   * @default {4194304}
   */
  readonly maxBufferLength?: number;
  /**
   * How many messages one batch may have: a few bytes on the wire can become an object of
   * a hundred, and a chunk has thousands of bytes. What a chunk contains beyond that is
   * decoded when an empty chunk is written: see {@linkcode DecoderStream.behind}. Writing
   * another chunk, or closing, decodes all of it at once. From 1 to 2^32.
   *
   * @default {undefined} all that a chunk completes
   */
  readonly maxBatchLength?: number;
  /**
   * The readable side's strategy, as for a `TransformStream`: how many batches may wait to
   * be read before writes wait.
   *
   * @default {{ highWaterMark: 0 }}
   */
  readonly readableStrategy?: QueuingStrategy;
}

const NOTHING = new Uint8Array(0);

/**
 * A `TransformStream` from bytes to batches of messages: all the messages that one chunk
 * completed, as an array. A chunk that completes none produces no batch.
 *
 * Messages are decoded in place, in the chunk that they arrived in, without a copy. Only
 * the beginning of an incomplete message is buffered, so memory grows with the bytes that
 * arrive and never with the length that a peer announces.
 *
 * It errors with a {@linkcode ConnectionError}, after delivering all messages before the
 * bad one: `invalid-message`, `message-too-large`, `decoder`, or `truncated` if the input
 * ends in the middle of a message.
 *
 * @example Messages without a Connection
 * ```ts
 * import { DecoderStream } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const bytes = ReadableStream.from([new Uint8Array([2, 104, 105])]);
 * for await (const batch of bytes.pipeThrough(new DecoderStream(lengthDelimited().decoder))) {
 *   for (const message of batch) console.log(message); // Uint8Array [ 104, 105 ]
 * }
 * ```
 */
export class DecoderStream<Message> extends TransformStream<Uint8Array, Message[]> {
  readonly #splitter: Splitter<Message>;
  readonly #progress: { batches: number };

  /**
   * Makes a stream that uses `decoder`, which must not be shared. Throws a `RangeError` for
   * an option out of range.
   */
  constructor(decoder: Decoder<Message>, options: DecoderStreamOptions = {}) {
    const max = checkMaxBufferLength(options.maxBufferLength);
    const { maxBatchLength, readableStrategy } = options;
    const most = maxBatchLength === undefined
      ? Infinity
      : checkOption("maxBatchLength", maxBatchLength, 1, 2 ** 32);
    const splitter = new Splitter(decoder, max, most);
    const progress = { batches: 0 };
    /** Delivers the messages before a bad one, then throws. */
    const deliver = (
      decode: (batch: Message[]) => void,
      controller: TransformStreamDefaultController<Message[]>,
    ) => {
      const batch: Message[] = [];
      try {
        decode(batch);
      } finally {
        if (batch.length > 0) {
          progress.batches++;
          controller.enqueue(batch);
        }
      }
    };
    const transformer: Transformer<Uint8Array, Message[]> = {
      transform(chunk, controller) {
        deliver((batch) => splitter.split(chunk, batch), controller);
      },
      flush(controller) {
        deliver((batch) => splitter.end(batch), controller);
      },
    };
    super(transformer, undefined, readableStrategy);
    this.#splitter = splitter;
    this.#progress = progress;
  }

  /** How many batches it has produced. */
  get batches(): number {
    return this.#progress.batches;
  }

  /** How many messages have been decoded or skipped. */
  get decoded(): number {
    return this.#splitter.decoded;
  }

  /** Whether part of a message has arrived, but not all of it. */
  get incomplete(): boolean {
    return this.#splitter.incomplete;
  }

  /**
   * Whether the latest chunk contains more than `maxBatchLength` messages. Write an empty
   * chunk to decode the next batch of them.
   */
  get behind(): boolean {
    return this.#splitter.behind;
  }
}

/** Cuts chunks into messages: one chunk at a time, keeping what is incomplete. */
class Splitter<Message> {
  readonly #decoder: Decoder<Message>;
  readonly #max: number;
  readonly #maxBatch: number;
  /** The part of the last chunk that did not fit into a batch. */
  #rest: Uint8Array = NOTHING;
  /** The beginning of an incomplete message. */
  readonly #held = new ReceiveBuffer();
  /** If bytes are held: how many there must be before the decoder is called again. */
  #needed = 0;
  /** Whether the decoder asked for just one byte more, since it does not know the total. */
  #openEnded = false;
  /** Bytes to skip that have not arrived yet. */
  #skip = 0;
  /** How many messages have been decoded or skipped. */
  decoded = 0;

  constructor(decoder: Decoder<Message>, max: number, maxBatch: number) {
    this.#decoder = decoder;
    this.#max = max;
    this.#maxBatch = maxBatch;
  }

  get behind(): boolean {
    return this.#rest.length > 0;
  }

  get incomplete(): boolean {
    return this.#held.length > 0 || this.#skip > 0;
  }

  /** Appends the messages that `chunk` completes to `batch`, up to its bound. Throws ConnectionError. */
  split(chunk: Uint8Array, batch: Message[]): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      // All of it, in one batch: an error after a second batch would discard that batch.
      if (chunk.length > 0) this.#splitUpTo(Infinity, this.#rest, batch);
      else bytes = this.#rest;
      this.#rest = NOTHING;
    }
    const at = this.#splitUpTo(this.#maxBatch, bytes, batch);
    if (at < bytes.length) this.#rest = bytes.subarray(at);
  }

  #splitUpTo(most: number, chunk: Uint8Array, batch: Message[]): number {
    let at = 0;
    while (at < chunk.length && batch.length < most) {
      if (this.#skip > 0) {
        const dropped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= dropped;
        at += dropped;
      } else if (this.#held.length > 0) {
        at = this.#complete(chunk, at, batch);
      } else {
        at = this.#splitInPlace(most, chunk, at, batch);
      }
    }
    return at;
  }

  /** Ends the input: appends the messages that are left. Throws if one is incomplete. */
  end(batch: Message[]): void {
    this.#splitUpTo(Infinity, this.#rest, batch);
    this.#rest = NOTHING;
    if (this.#held.length === 0 && this.#skip === 0) return;
    const state = this.#skip > 0
      ? `${this.#skip} bytes to be skipped had not arrived`
      : `${this.#held.length} of at least ${this.#needed} bytes had arrived`;
    this.#held.clear();
    throw new ConnectionError(
      "truncated",
      `The input ended in the middle of a message: ${state}`,
    );
  }

  /** Decodes straight from the chunk, until it is used up or a message is incomplete. */
  #splitInPlace(most: number, chunk: Uint8Array, start: number, batch: Message[]): number {
    let at = start;
    while (at < chunk.length && batch.length < most) {
      const result = this.#ask(chunk, at);
      if (result.kind === "message") {
        batch.push(result.message);
        at += result.bytesUsed;
      } else if (result.kind === "skip") {
        this.#skip = result.distance;
        return at;
      } else {
        this.#hold(chunk.subarray(at), (result as Incomplete).bytesNeeded);
        return chunk.length;
      }
    }
    return at;
  }

  /** Adds to the held message what it needs; returns the offset of what follows it. */
  #complete(chunk: Uint8Array, start: number, batch: Message[]): number {
    const held = this.#held.length;
    // A decoder that asks for one byte more may do so again and again: double what it
    // sees, so that its work stays linear.
    const wanted = this.#openEnded ? Math.min(held, this.#max - held) : this.#needed - held;
    const taken = Math.min(wanted, chunk.length - start);
    this.#held.append(chunk.subarray(start, start + taken), this.#expected());
    if (this.#held.length < this.#needed) return start + taken;

    const result = this.#ask(this.#held.bytes, 0);
    if (result.kind === "incomplete") {
      this.#waitFor(result.bytesNeeded, this.#held.length);
      return start + taken;
    }
    let used = 0;
    if (result.kind === "message") {
      batch.push(result.message);
      used = result.bytesUsed;
    } else if (result.kind === "skip") {
      used = Math.min(result.distance, this.#held.length);
      this.#skip = result.distance - used;
    }
    const rest = this.#held.bytes.subarray(used);
    this.#held.clear();
    if (rest.length <= taken) return start + taken - rest.length;
    // The decoder asked for more than its message took, so the next message began before
    // this chunk: decode the rest now, as only one beginning can be held.
    this.#splitUpTo(Infinity, rest, batch);
    return start + taken;
  }

  #hold(bytes: Uint8Array, needed: number): void {
    this.#waitFor(needed, bytes.length);
    this.#held.append(bytes, this.#expected());
  }

  #waitFor(needed: number, shown: number): void {
    this.#needed = needed;
    this.#openEnded = needed === shown + 1;
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
      throw new ConnectionError("decoder", "The decoder threw", { cause });
    }
    const shown = bytes.length - offset;
    if (result.kind === "message") {
      const { bytesUsed } = result;
      if (Number.isInteger(bytesUsed) && bytesUsed > 0 && bytesUsed <= shown) {
        if (bytesUsed > this.#max) throw this.#tooLarge(bytesUsed);
        this.decoded++;
        return result;
      }
      throw new ConnectionError(
        "decoder",
        `The decoder claims to have used ${bytesUsed} of the ${shown} bytes that it was shown`,
      );
    }
    if (result.kind === "incomplete") {
      if (result.bytesNeeded > this.#max) throw this.#tooLarge(result.bytesNeeded);
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
    throw new ConnectionError("invalid-message", `Invalid message: ${result.reason}`, {
      cause: result.cause,
    });
  }

  #tooLarge(size: number): ConnectionError {
    return new ConnectionError(
      "message-too-large",
      `A message of at least ${size} bytes is over maxBufferLength, ${this.#max} bytes`,
    );
  }
}

type Incomplete = Extract<DecodeResult<never>, { kind: "incomplete" }>;
