import type { Outbox } from "./_outbox.ts";
import type { Encoding } from "../streams/_encoding.ts";

/**
 * Has a connection stop reading when its peer sends and does not read: once `maxPipelinedBytes` have
 * been read while messages wait to be sent, until those that waited at that moment have gone.
 */
export class Pipelining {
  readonly #max: number;
  readonly #outbox: Pick<Outbox<never, never>, "encoded" | "pending">;
  readonly #encoding: Pick<Encoding<never>, "bytes">;
  /** Bytes read while something waited to be sent. */
  #read = 0;
  /**
   * What waits until so many messages have been taken: until so many bytes have, which is known
   * once the last of them is encoded.
   */
  #mark: { readonly messages: number; bytes: number; readonly resolve: () => void } | undefined;

  /** `max` is in bytes. */
  constructor(
    max: number,
    outbox: Pick<Outbox<never, never>, "encoded" | "pending">,
    encoding: Pick<Encoding<never>, "bytes">,
  ) {
    this.#max = max;
    this.#outbox = outbox;
    this.#encoding = encoding;
  }

  /** So many bytes have been read while something waits, or not; returns what to wait for now. */
  onRead(bytes: number, waits: boolean): Promise<void> | undefined {
    this.#read = waits ? this.#read + bytes : 0;
    if (this.#read <= this.#max) return undefined;
    this.#read = 0;
    const messages = this.#outbox.encoded + this.#outbox.pending;
    return new Promise((resolve) => {
      this.#mark = { messages, bytes: Infinity, resolve };
      this.onWrite();
    });
  }

  /** Notes where the last of the messages ends, once it is encoded; more may follow it at once. */
  onWrite(): void {
    const mark = this.#mark;
    if (mark?.bytes === Infinity && this.#outbox.encoded >= mark.messages) {
      mark.bytes = this.#encoding.bytes;
    }
  }

  /** The transport has taken so many bytes, in total; or nothing is left to wait for. */
  onTaken(bytes: number): void {
    if (this.#mark === undefined || bytes < this.#mark.bytes) return;
    this.#mark.resolve();
    this.#mark = undefined;
  }
}
