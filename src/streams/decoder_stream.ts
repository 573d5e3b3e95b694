import { Decoding } from "./_decoding.ts";
import { type Decoded, decodingTransformer } from "./_transformers.ts";
import type { Decoder } from "../codec.ts";
import { integer } from "../check.ts";
import { checkConnectionOption } from "../options.ts";

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
 * ends in the middle of a message. A chunk that is no `Uint8Array` is a `TypeError`.
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
  readonly #core: Decoding<Message>;
  readonly #progress: Decoded;

  /**
   * Makes a stream that uses `decoder`, which must not be shared. Throws a `RangeError` for
   * an option out of range.
   */
  constructor(decoder: Decoder<Message>, options: DecoderStreamOptions = {}) {
    const { maxBatchLength, readableStrategy } = options;
    const core = new Decoding(
      decoder,
      checkConnectionOption("maxBufferLength", options.maxBufferLength),
    );
    const most = maxBatchLength === undefined
      ? Infinity
      : integer("maxBatchLength", maxBatchLength, 1, 2 ** 32);
    const progress: Decoded = { batches: 0, sizes: new WeakMap() };
    super(decodingTransformer(core, most, progress), undefined, readableStrategy);
    this.#core = core;
    this.#progress = progress;
  }

  /** How many batches it has produced. */
  get batches(): number {
    return this.#progress.batches;
  }

  /** How many messages have been decoded or skipped. */
  get decoded(): number {
    return this.#core.decoded;
  }

  /** Whether part of a message has arrived, but not all of it. */
  get incomplete(): boolean {
    return this.#core.incomplete;
  }

  /**
   * Whether the latest chunk contains more than `maxBatchLength` messages. Write an empty
   * chunk to decode the next batch of them.
   */
  get behind(): boolean {
    return this.#core.behind;
  }
}
