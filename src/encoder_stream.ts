import type { Encoder } from "./codec.ts";
import { EncodeBuffer } from "./encode_buffer.ts";
import { ConnectionError } from "./errors.ts";

/** A batch is cut into chunks of about this many bytes. */
const CHUNK = 64 * 1024;

/** Options of an {@linkcode EncoderStream}. */
export interface EncoderStreamOptions<Message> {
  /**
   * Hears of a message that could not be encoded; the message is left out and the
   * stream goes on. Without it, the stream errors with the code `encoder`.
   */
  readonly onEncodeError?: (error: unknown, message: Message) => void;
  /**
   * How many chunks may wait to be read before batches do, as of a `TransformStream`.
   *
   * @default {{ highWaterMark: 0 }}
   */
  readonly readableStrategy?: QueuingStrategy;
}

/**
 * Turns batches of messages into bytes: a batch becomes one chunk, or several of
 * about 64 KiB if it is large. A batch is any iterable, and its messages are asked
 * for when there is room to send and not before, so a batch may be made then.
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

  /** Makes a stream over an encoder of its own. */
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
   * Gives back a chunk that came out of this stream and that nobody reads any more, so
   * that its memory is written again. Not to be called twice for one chunk; one that is
   * kept is never written again.
   */
  release(chunk: Uint8Array): void {
    this.#buffer.release(chunk);
  }

  /** How many chunks it has made. */
  get chunks(): number {
    return this.#progress.chunks;
  }

  /** How many bytes the batch at hand has come to, for a batch that ends at a size. */
  get batchBytes(): number {
    return this.#progress.batchBytes;
  }
}
