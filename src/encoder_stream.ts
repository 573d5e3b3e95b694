import type { Encoder } from "./codec.ts";
import { EncodeBuffer } from "./encode_buffer.ts";
import { ConnectionError } from "./errors.ts";

/** A large batch is split into chunks of about this many bytes. */
const CHUNK = 64 * 1024;

/** Options of an {@linkcode EncoderStream}. */
export interface EncoderStreamOptions<Message> {
  /**
   * Called with a message that could not be encoded; it is left out, and the stream
   * continues. Without this, the stream errors with a `ConnectionError` of code `encoder`,
   * which discards what has been encoded and not been read.
   */
  readonly onEncodeError?: (error: unknown, message: Message) => void;
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
  readonly #progress: { batchBytes: number; chunks: number };
  readonly #buffer: EncodeBuffer;

  /** Makes a stream that uses `encoder`, which must not be shared. */
  constructor(encoder: Encoder<Message>, options: EncoderStreamOptions<Message> = {}) {
    const { onEncodeError } = options;
    const buffer = new EncodeBuffer();
    const progress = { batchBytes: 0, chunks: 0 };
    const pass = (controller: TransformStreamDefaultController<Uint8Array>) => {
      progress.chunks++;
      controller.enqueue(buffer.take());
    };
    super(
      {
        transform(batch, controller) {
          progress.batchBytes = 0;
          for (const message of batch) {
            const before = buffer.length;
            try {
              encoder.encode(message, buffer);
            } catch (cause) {
              buffer.truncate(before);
              if (!onEncodeError) {
                throw new ConnectionError("encoder", "Cannot encode a message", { cause });
              }
              onEncodeError(cause, message);
            }
            progress.batchBytes += buffer.length - before;
            if (buffer.length >= CHUNK) pass(controller);
          }
          if (buffer.length > 0) pass(controller);
        },
      },
      undefined,
      options.readableStrategy,
    );
    this.#progress = progress;
    this.#buffer = buffer;
  }

  /**
   * Returns the memory of a chunk that this stream produced, once nobody reads it any more,
   * so that it can be reused. Call it at most once for each chunk; chunks that are not
   * released are never written again.
   */
  release(chunk: Uint8Array): void {
    this.#buffer.release(chunk);
  }

  /** How many chunks it has produced. */
  get chunks(): number {
    return this.#progress.chunks;
  }

  /** The size of the current batch so far, in bytes; lets a lazy batch end at a size. */
  get batchBytes(): number {
    return this.#progress.batchBytes;
  }
}
