import { Encoding } from "./_encoding.ts";
import { type Encoded, encodingTransformer } from "./_transformers.ts";
import type { Encoder } from "../codec.ts";
import { integer } from "../check.ts";

/** Options of an {@linkcode EncoderStream}. */
export interface EncoderStreamOptions<Message> {
  /**
   * Called with a message that could not be encoded, or is too long; it is left out, and the
   * stream continues. Without this, the stream errors with a `ConnectionError` of code
   * `encoder` or `message-too-large`, which discards what has been encoded and not been read.
   */
  readonly onEncodeError?: (error: unknown, message: Message) => void;
  /**
   * The longest message, in bytes, including its framing. From 1 to 2^32.
   *
   * @default {undefined} any length
   */
  readonly maxOutboundLength?: number;
  /**
   * The readable side's strategy, as for a `TransformStream`: how many chunks may wait to
   * be read before writes wait.
   *
   * @default {{ highWaterMark: 0 }}
   */
  readonly readableStrategy?: QueuingStrategy;
}

/**
 * A `TransformStream` from batches of messages to bytes: a batch becomes one chunk, or
 * several of about 64 KiB if it is large. A batch is any iterable. It is iterated only once
 * there is room to send, so its messages may be produced lazily.
 *
 * @example Bytes without a Connection
 * ```ts
 * import { EncoderStream } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const batches = ReadableStream.from([[new Uint8Array([104, 105])]]);
 * for await (const bytes of batches.pipeThrough(new EncoderStream(lengthDelimited().encoder))) {
 *   console.log(bytes); // Uint8Array [ 2, 104, 105 ]
 * }
 * ```
 */
export class EncoderStream<Message> extends TransformStream<Iterable<Message>, Uint8Array> {
  readonly #core: Encoding<Message>;
  readonly #progress: Encoded;

  /**
   * Makes a stream that uses `encoder`, which must not be shared. Throws a `RangeError` for
   * an option out of range.
   */
  constructor(encoder: Encoder<Message>, options: EncoderStreamOptions<Message> = {}) {
    const { onEncodeError, maxOutboundLength, readableStrategy } = options;
    const max = maxOutboundLength === undefined
      ? Infinity
      : integer("maxOutboundLength", maxOutboundLength, 1, 2 ** 32);
    const core = new Encoding(encoder, max, onEncodeError && { onEncodeError });
    const progress: Encoded = { chunks: 0 };
    super(encodingTransformer(core, progress), undefined, readableStrategy);
    this.#core = core;
    this.#progress = progress;
  }

  /**
   * Returns the memory of a chunk that this stream produced, once nobody reads it any more,
   * so that it can be reused. Call it at most once for each chunk; chunks that are not
   * released are never written again.
   */
  release(chunk: Uint8Array): void {
    this.#core.buffer.release(chunk);
  }

  /** How many chunks it has produced. */
  get chunks(): number {
    return this.#progress.chunks;
  }
}
