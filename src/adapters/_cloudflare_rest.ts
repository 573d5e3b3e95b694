import type { Codec } from "../codec.ts";

/** Milliseconds from one look to the next, while something is under way. */
const LOOK = 50;

/**
 * Knows when a connection holds nothing that would be lost if its memory were: no part of
 * a message, and no rpc. Give the connection its codec and its observer.
 */
export class Rest {
  /** For `rpcReactor`: counts the rpcs that are being answered. */
  readonly rpcObserver: { onRpc(): () => void } = {
    onRpc: () => {
      this.#holds++;
      return () => this.#holds--;
    },
  };
  #holds = 0;
  readonly #isOver: () => boolean;
  #partOfMessage = false;
  #atRest: Promise<void> | undefined;

  /** `isOver` tells whether the connection has ended, and holds nothing any more. */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver;
  }

  /** Wraps the codec of the connection: sees whether what has come ends with a message's end. */
  codec<Inbound, Outbound>({ encoder, decoder }: Codec<Inbound, Outbound>): Codec<
    Inbound,
    Outbound
  > {
    return {
      encoder,
      decoder: {
        decode: (bytes, offset) => {
          const result = decoder.decode(bytes, offset);
          const used = result.kind === "message"
            ? result.bytesUsed
            : result.kind === "skip"
            ? result.distance
            : 0;
          this.#partOfMessage = used !== bytes.length - offset;
          return result;
        },
      },
    };
  }

  /**
   * Stays awake until `work` has settled, however it does. A reactor of your own whose
   * `onInboundMessage` returns a promise gives it that one.
   */
  until(work: PromiseLike<unknown>): void {
    this.#holds++;
    const done = () => void this.#holds--;
    work.then(done, done);
  }

  /** Resolves when nothing would be lost. While it waits a timer is set, so that the object stays awake. */
  atRest(): Promise<void> {
    return this.#atRest ??= this.#wait();
  }

  async #wait(): Promise<void> {
    // What has just come goes through the streams first.
    for (let ms = 0;; ms = LOOK) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (this.#isOver() || (this.#holds === 0 && !this.#partOfMessage)) break;
    }
    this.#atRest = undefined;
  }
}
