import type { Codec } from "../../codec.ts";

/** Milliseconds between checks while work is in progress. */
const LOOK = 50;

/**
 * Tracks whether a connection holds anything that hibernation would lose: part of a message,
 * or an RPC. Use its `codec` and `rpcObserver` for the connection.
 */
export class Awake {
  /** For `rpcReactor`: counts the RPCs in progress. */
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

  /** `isOver` returns whether the connection has ended and holds nothing any more. */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver;
  }

  /** Wraps the connection's codec, to see whether part of a message has arrived. */
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
   * Keeps the object awake until `work` settles, either way. If your own reactor's
   * `onInboundMessage` returns a promise, pass that promise.
   */
  until(work: PromiseLike<unknown>): void {
    this.#holds++;
    const done = () => void this.#holds--;
    work.then(done, done);
  }

  /** Resolves when nothing would be lost. Until then a timer is set, which keeps the object awake. */
  atRest(): Promise<void> {
    return this.#atRest ??= this.#wait();
  }

  async #wait(): Promise<void> {
    // Bytes that have just arrived go through the streams first.
    for (let ms = 0;; ms = LOOK) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (this.#isOver() || (this.#holds === 0 && !this.#partOfMessage)) break;
    }
    this.#atRest = undefined;
  }
}
