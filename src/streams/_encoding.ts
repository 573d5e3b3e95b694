import type { Encoder } from "../codec.ts";
import { EncodeBuffer } from "./encode_buffer.ts";
import { ConnectionError, userCode } from "../errors.ts";

/** Who is told of messages that could not be encoded. */
export interface EncodeErrors<Message> {
  /** A message could not be encoded, for that reason, and is left out. */
  onEncodeError(error: unknown, message: Message): void;
}

/** Turns messages into bytes, one at a time, without any I/O. */
export class Encoding<Message> {
  /** What has been encoded. */
  readonly buffer: EncodeBuffer = new EncodeBuffer();
  /** How many bytes that was in all. */
  bytes = 0;
  readonly #encoder: Encoder<Message>;
  readonly #max: number;
  readonly #errors: EncodeErrors<Message> | undefined;

  /** `max` is the length of the longest message, in bytes. */
  constructor(encoder: Encoder<Message>, max: number, errors?: EncodeErrors<Message>) {
    this.#encoder = encoder;
    this.#max = max;
    this.#errors = errors;
  }

  /**
   * Appends a message to the buffer; returns its length in bytes, or 0 if it could not be
   * encoded and somebody has been told. Otherwise throws a {@linkcode ConnectionError}.
   */
  encode(message: Message): number {
    const { buffer } = this;
    const before = buffer.length;
    try {
      this.#encoder.encode(message, buffer);
    } catch (cause) {
      buffer.truncate(before);
      this.#failed(
        this.#errors ? cause : userCode("encoder", "Cannot send a message", cause),
        message,
      );
      return 0;
    }
    const length = buffer.length - before;
    if (length <= this.#max) {
      this.bytes += length;
      return length;
    }
    buffer.truncate(before);
    this.#failed(
      new ConnectionError(
        "message-too-large",
        `Cannot send a message of ${length} bytes: it is over maxOutboundLength, ${this.#max} bytes`,
      ),
      message,
    );
    return 0;
  }

  #failed(error: unknown, message: Message): void {
    if (!this.#errors) throw error;
    this.#errors.onEncodeError(error, message);
  }
}
