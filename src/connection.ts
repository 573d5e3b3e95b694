import { Outbox } from "./_outbox.ts";
import type { Codec } from "./codec.ts";
import { DecoderStream } from "./decoder_stream.ts";
import type { Duplex } from "./duplex.ts";
import { EncoderStream } from "./encoder_stream.ts";
import { ConnectionError, reactorThrew, TransportError } from "./errors.ts";
import { checkConnectionOptions, type ConnectionOptions } from "./options.ts";
import type { Reactor } from "./reactor.ts";
import type { Sender } from "./sender.ts";

/**
 * How a connection ended.
 *
 * - `local`: by us, in order: `close()`, or a reactor that disconnected.
 * - `peer`: the other end finished, in order; what was queued for it has been sent.
 * - `error`: a {@linkcode ConnectionError} or a {@linkcode TransportError}.
 */
export type CloseReason =
  | { readonly kind: "local" }
  | { readonly kind: "peer" }
  | { readonly kind: "error"; readonly error: ConnectionError | TransportError };

/** What a {@linkcode Connection} is made of, with its bounds. */
export interface ConnectionConfig<Inbound, Outbound = Inbound, Logical = Outbound>
  extends ConnectionOptions {
  /** How messages look on the wire; of this connection alone. */
  readonly codec: Codec<Inbound, Outbound>;
  /** Makes the reactor, which may keep the sender. It may send at once. */
  readonly reactor: (sender: Sender<Logical>) => Reactor<Inbound, Outbound, Logical>;
}

const LOCAL: CloseReason = { kind: "local" };
const PEER: CloseReason = { kind: "peer" };
const ignore = () => {};

/**
 * Joins a {@linkcode Duplex}, a {@linkcode Codec} and a {@linkcode Reactor}: bytes
 * that arrive become messages for the reactor, messages that are sent become bytes.
 *
 * It owns the duplex and runs from the moment it is made until it has
 * {@linkcode closed}. `await using` closes it in order.
 *
 * @example Two ends in one process
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => void sender.trySend(message) }),
 * });
 * const answered = Promise.withResolvers<Uint8Array>();
 * await using client = new Connection(here, {
 *   codec: lengthDelimited(),
 *   reactor: () => ({ onInboundMessage: answered.resolve }),
 * });
 * await client.sender.send(new TextEncoder().encode("hello"));
 * console.log(new TextDecoder().decode(await answered.promise)); // hello
 * ```
 */
export class Connection<Inbound, Outbound = Inbound, Logical = Outbound>
  implements AsyncDisposable {
  /** Resolves, and never rejects, once the connection has ended, with how. */
  readonly closed: Promise<CloseReason>;
  /** Sends messages; may be shared. */
  readonly sender: Sender<Logical>;

  readonly #reactor: Reactor<Inbound, Outbound, Logical>;
  readonly #outbox: Outbox<Outbound, Logical>;
  readonly #drainTimeout: number;
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #batches: ReadableStreamDefaultReader<Inbound[]>;
  readonly #encoder: WritableStreamDefaultWriter<Iterable<Outbound>>;
  readonly #sink: WritableStreamDefaultWriter<Uint8Array>;
  /** `ending`: in order, as `#reason` says. `closed`: the reactor has been told. */
  #state: "open" | "ending" | "closed" = "open";
  #reason: CloseReason = LOCAL;
  /** The peer has ended, and all that it sent has been dispatched. */
  #inboundDone = false;
  /** All that was queued has been taken by the transport, and the peer has been told. */
  #outboundDone = false;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #resolveClosed: (reason: CloseReason) => void = ignore;

  /**
   * Starts at once. Throws a `RangeError` for a bad option, or what the reactor's
   * maker throws; the duplex is untouched then.
   */
  constructor(duplex: Duplex, config: ConnectionConfig<Inbound, Outbound, Logical>) {
    const options = checkConnectionOptions(config);
    this.#drainTimeout = options.drainTimeout;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.sender = this.#outbox = new Outbox(options.maxQueuedMessages);
    const reactor = this.#reactor = config.reactor(this.sender);
    const decoder = new DecoderStream(config.codec.decoder, options);
    const encoder = new EncoderStream(config.codec.encoder, {
      onEncodeError: reactor.onEncodeError?.bind(reactor),
    });
    this.#source = duplex.readable.getReader();
    this.#batches = decoder.readable.getReader();
    this.#encoder = encoder.writable.getWriter();
    this.#sink = duplex.writable.getWriter();
    this.#outbox.attach(reactor, () => encoder.batchBytes);

    const fail = (error: unknown) => this.#fail(error);
    pump(this.#source, decoder.writable.getWriter()).catch(fail);
    this.#dispatch().catch(fail);
    this.#encode().catch(fail);
    pump(encoder.readable.getReader(), this.#sink).then(() => this.#onFlushed(), fail);
  }

  /**
   * Ends in order: takes no more messages, sends those that are queued, tells the
   * peer that no more will come, and waits for it to end too. Messages that still
   * arrive are dropped. After `drainTimeout` the rest is given up.
   *
   * Resolves with how the connection ended; may be called again.
   */
  close(): Promise<CloseReason> {
    this.#end(LOCAL);
    return this.closed;
  }

  /**
   * Ends now: what is queued is dropped and the transport is broken off. `closed`
   * then tells of a {@linkcode ConnectionError} with code `aborted` and `reason` as
   * its cause. Does nothing on a connection that has ended.
   */
  abort(reason?: unknown): void {
    this.#finish({
      kind: "error",
      error: new ConnectionError("aborted", "The connection was aborted", { cause: reason }),
    });
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The way in: batches from the decoder to the reactor. */
  async #dispatch(): Promise<void> {
    for (;;) {
      const { done, value: batch } = await this.#batches.read();
      if (done) break;
      try {
        for (const message of batch) {
          if (this.#state !== "open") break;
          const answer = this.#reactor.onInboundMessage(message);
          if (answer === undefined || answer === "continue") continue;
          if ((typeof answer === "object" ? await answer : answer) === "disconnect") {
            this.#end(LOCAL);
          }
        }
      } catch (cause) {
        throw reactorThrew(cause);
      }
    }
    this.#inboundDone = true;
    if (this.#state === "open") {
      this.#startDrainTimer();
      try {
        await this.#reactor.onInboundEnd?.();
      } catch (cause) {
        throw reactorThrew(cause);
      }
      this.#end(PEER);
    }
    this.#finishIfDone();
  }

  /** The way out: batches from the outbox to the encoder, which takes them when there is room. */
  async #encode(): Promise<void> {
    for (;;) {
      if (this.#outbox.ready) await this.#encoder.write(this.#outbox);
      else if (this.#outbox.ended) break;
      else await this.#outbox.changed();
    }
    await this.#encoder.close();
  }

  #onFlushed(): void {
    this.#outboundDone = true;
    this.#finishIfDone();
  }

  /** Begins an orderly end. */
  #end(reason: CloseReason): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#reason = reason;
    this.#startDrainTimer();
    this.#outbox.end();
  }

  #startDrainTimer(): void {
    this.#drainTimer ??= setTimeout(() => {
      this.#fail(
        new ConnectionError(
          "drain-timeout",
          `What was queued could not be sent within drainTimeout, ${this.#drainTimeout} ms`,
        ),
      );
    }, this.#drainTimeout);
  }

  #finishIfDone(): void {
    if (this.#inboundDone && this.#outboundDone) this.#finish(this.#reason);
  }

  #fail(error: unknown): void {
    // All that was to be sent is on its way and the rest was to be dropped: however
    // the peer takes it, this was an orderly end.
    if (this.#state === "ending" && this.#outboundDone) this.#finish(this.#reason);
    else this.#finish({ kind: "error", error: toError(error) });
  }

  #finish(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#drainTimer);
    this.#outbox.clear();
    if (!this.#inboundDone || !this.#outboundDone) {
      this.#tearDown(reason.kind === "error" ? reason.error : undefined);
    }
    try {
      this.#reactor.onClose?.(reason);
    } catch (cause) {
      if (reason.kind !== "error") reason = { kind: "error", error: reactorThrew(cause) };
    }
    this.#resolveClosed(reason);
  }

  /** Ends all four streams, whatever each is waiting for. */
  #tearDown(error: unknown): void {
    this.#sink.abort(error).catch(ignore);
    this.#encoder.abort(error).catch(ignore);
    this.#batches.cancel(error).catch(ignore);
    this.#source.cancel(error).catch(ignore);
  }
}

/** Carries chunks from one stream to the next, one at a time, and the end after them. */
async function pump<T>(
  from: ReadableStreamDefaultReader<T>,
  to: WritableStreamDefaultWriter<T>,
): Promise<void> {
  // These reject when the stream does, and so does the write that is awaited.
  to.closed.catch(ignore);
  to.ready.catch(ignore);
  for (;;) {
    const { done, value } = await from.read();
    if (done) break;
    await to.write(value);
  }
  await to.close();
}

function toError(error: unknown): ConnectionError | TransportError {
  if (error instanceof ConnectionError || error instanceof TransportError) return error;
  return new TransportError("other", "The transport failed", { cause: error });
}
