import { ReceiveBuffer } from "./_receive_buffer.ts";
import type { Decoder, DecodeResult } from "./codec.ts";
import { ConnectionError } from "./errors.ts";
import { checkMaxBufferLength, checkOption } from "./options.ts";

/** Options of a {@linkcode DecoderStream}. */
export interface DecoderStreamOptions {
  /**
   * The most bytes that one message may have, with its framing.
   *
   * @default {4194304}
   */
  readonly maxBufferLength?: number;
  /**
   * How many messages one batch may have: a few bytes of a peer's can become an object
   * of a hundred, and a chunk has thousands of bytes. What a chunk has beyond that waits
   * for an empty chunk: see {@linkcode DecoderStream.behind}. One that writes on, or ends,
   * gets all of it at once. From 1 to 2^32.
   *
   * @default {undefined} all that a chunk completes
   */
  readonly maxBatchLength?: number;
  /**
   * How many batches may wait to be read before bytes do, as of a `TransformStream`.
   *
   * @default {{ highWaterMark: 0 }}
   */
  readonly readableStrategy?: QueuingStrategy;
}

const NOTHING = new Uint8Array(0);

/**
 * Turns bytes into batches of messages: all the messages that one chunk completed,
 * as one array. A chunk that completes none gives no batch.
 *
 * Messages are decoded where they arrived, without a copy; only the beginning of a
 * message whose end is still to come is kept, so memory grows with what arrives and
 * never with what a peer announces.
 *
 * It errors with a {@linkcode ConnectionError}, after all the messages before the
 * bad one: `invalid-message`, `message-too-large`, `decoder`, or `truncated` where
 * the input ends within a message.
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

  /** Makes a stream over a decoder of its own. Throws a `RangeError` for a bad option. */
  constructor(decoder: Decoder<Message>, options: DecoderStreamOptions = {}) {
    const max = checkMaxBufferLength(options.maxBufferLength);
    const { maxBatchLength, readableStrategy } = options;
    const most = maxBatchLength === undefined
      ? Infinity
      : checkOption("maxBatchLength", maxBatchLength, 1, 2 ** 32);
    const splitter = new Splitter(decoder, max, most);
    const progress = { batches: 0 };
    /** What comes before a bad message is delivered first. */
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

  /** How many batches it has made. */
  get batches(): number {
    return this.#progress.batches;
  }

  /** How many messages have been decoded, with what the decoder skipped. */
  get decoded(): number {
    return this.#splitter.decoded;
  }

  /** Whether the beginning of a message has come, and its end has not. */
  get incomplete(): boolean {
    return this.#splitter.incomplete;
  }

  /**
   * Whether the latest chunk has more messages than `maxBatchLength`: they are decoded,
   * as many again, when an empty chunk is written.
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
  /** What the last chunk had beyond a batch. */
  #rest: Uint8Array = NOTHING;
  /** The beginning of a message whose end has not come. */
  readonly #held = new ReceiveBuffer();
  /** With bytes held: how many there must be before the decoder is asked again. */
  #needed = 0;
  /** Whether the decoder asked for one byte more, as one does that cannot tell the total. */
  #openEnded = false;
  /** Bytes to drop that have not come yet. */
  #skip = 0;
  /** How often the decoder has said what to do with bytes. */
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
      // One that writes on gets all, as an error would take a second batch with it.
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

  /** Tells that no more will come; appends the messages that are left. */
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

  /** Adds what the held message waits for; returns where the chunk goes on. */
  #complete(chunk: Uint8Array, start: number, batch: Message[]): number {
    const held = this.#held.length;
    // A decoder that asks for one byte more may do so again and again: give it at
    // least as much as it has seen, so that its work stays linear.
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
    // The decoder had waited for more than its message took, and the next one began
    // before this chunk: there is no second place to keep any of that.
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

  /** How long the held message may become. */
  #expected(): number {
    return this.#openEnded ? this.#max : this.#needed;
  }

  /** Asks the decoder, and holds its answer to the contract. */
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
