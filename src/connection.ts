import { Outbox, SENT } from "./_outbox.ts";
import { Patience, type PatienceLimits } from "./_patience.ts";
import { Silence } from "./_silence.ts";
import type { CloseReason } from "./close_reason.ts";
import type { Codec } from "./codec.ts";
import { DecoderStream } from "./decoder_stream.ts";
import type { Duplex, SocketAddress, SocketDuplex } from "./duplex.ts";
import { EncoderStream } from "./encoder_stream.ts";
import { ConnectionError, reactorThrew, TransportError } from "./errors.ts";
import { type ConnectionObserver, quietly } from "./observer.ts";
import {
  checkConnectionOptions,
  checkDrainTimeout,
  checkOption,
  type ConnectionOptions,
  MAX_DELAY,
} from "./options.ts";
import type { Reactor } from "./reactor.ts";
import type { Sender } from "./sender.ts";

/** The parts of a {@linkcode Connection}, with its limits and timeouts. */
export interface ConnectionConfig<Inbound, Outbound = Inbound, Logical = Outbound>
  extends ConnectionOptions {
  /** How messages are framed and encoded. Do not share it between connections. */
  readonly codec: Codec<Inbound, Outbound>;
  /** Makes the reactor, which may keep the sender and use it at once. */
  readonly reactor: (sender: Sender<Logical>) => Reactor<Inbound, Outbound, Logical>;
  /** Keeps a quiet connection alive. */
  readonly heartbeat?: Heartbeat<Logical>;
  /** Observes the connection, for metrics and logs. */
  readonly observer?: ConnectionObserver;
}

/**
 * A message of your own that is sent when nothing else has been for a while, so that
 * neither the peer's idle timeout nor a NAT router in between drops the connection. It is
 * skipped while the queue is full.
 */
export interface Heartbeat<Logical> {
  /** Milliseconds without anything sent after which it is sent. From 1 to 2,147,483,647. */
  readonly interval: number;
  /** Makes the message to send; called each time. */
  readonly message: () => Logical;
}

/** Options of {@linkcode Connection.drain}. */
export interface DrainOptions {
  /**
   * Milliseconds that work in progress may take to finish. From 0 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly timeout?: number;
}

const LOCAL: CloseReason = { kind: "local" };
const PEER: CloseReason = { kind: "peer" };
const NOTHING = new Uint8Array(0);
/**
 * How many messages a batch may have. A chunk of 64 KiB can contain as many messages as
 * bytes, and all of them would be objects in memory while the reactor works through them.
 */
const MAX_BATCH = 1024;
/** For how many bytes of a write the peer has `writeTimeout`. */
const WRITE_UNIT = 64 * 1024;
/**
 * For the codec's streams, which are read right after each write: without room, the stream
 * machinery waits for a pull on every chunk, which took a third of their time. Never full,
 * but not infinite: workerd takes integers only.
 */
const ROOM: QueuingStrategy = { highWaterMark: 2 ** 30 };
const ignore = () => {};

/**
 * Joins a {@linkcode Duplex}, a {@linkcode Codec} and a {@linkcode Reactor}: bytes
 * that arrive become messages for the reactor, messages that are sent become bytes.
 *
 * It owns the duplex and its streams, and runs from construction until it has
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
  /** Resolves, and never rejects, with how the connection ended. */
  readonly closed: Promise<CloseReason>;
  /** Sends messages; any number of callers may share it. */
  readonly sender: Sender<Logical>;

  readonly #reactor: Reactor<Inbound, Outbound, Logical>;
  readonly #outbox: Outbox<Outbound, Logical>;
  readonly #drainTimeout: number;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #batches: ReadableStreamDefaultReader<Inbound[]>;
  readonly #encoder: WritableStreamDefaultWriter<Iterable<Outbound>>;
  readonly #sink: WritableStreamDefaultWriter<Uint8Array>;
  /** `ending`: closing in order, for `#reason`. `closed`: over; the reactor has been told. */
  #state: "open" | "ending" | "closed" = "open";
  #reason: CloseReason = LOCAL;
  /** The peer has ended, and all that it sent has been dispatched. */
  #inboundDone = false;
  /** The transport has taken everything that was queued, and the writable is closed. */
  #outboundDone = false;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #draining = false;
  readonly #observer: ConnectionObserver | undefined;
  /** Watches for the peer's silence, while we read. */
  readonly #idle: Silence | undefined;
  /** Limits the peer's time for a message. */
  readonly #patience: Patience | undefined;
  /** Limits the peer's time to read what is written. */
  readonly #unread: Silence | undefined;
  /** Watches for our own silence, for the heartbeat. */
  readonly #quiet: Silence | undefined;
  readonly #maxPipelinedBytes: number;
  /** Bytes read since the outbox was last empty; see `maxPipelinedBytes`. */
  #pipelined = 0;
  /** Whether nothing is left to send. */
  #allSent = false;
  /** Resumes reading once everything has been sent. */
  #readOn: () => void = ignore;
  #resolveClosed: (reason: CloseReason) => void = ignore;

  /**
   * Starts at once. Throws a `RangeError` for an option out of range, or whatever
   * `config.reactor` throws; the duplex is then untouched. `defaults` apply to options
   * that `config` leaves out.
   */
  constructor(
    duplex: Duplex,
    config: ConnectionConfig<Inbound, Outbound, Logical>,
    defaults: ConnectionOptions = {},
  ) {
    const options = checkConnectionOptions(config, defaults);
    const { heartbeat, observer } = config;
    if (heartbeat) checkOption("heartbeat.interval", heartbeat.interval, 1, MAX_DELAY);
    this.#drainTimeout = options.drainTimeout;
    this.#maxPipelinedBytes = options.maxPipelinedBytes || Infinity;
    this.#remoteAddress = (duplex as SocketDuplex).remoteAddress;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.sender = this.#outbox = new Outbox(options.maxQueuedMessages, this.#remoteAddress);
    const reactor = this.#reactor = config.reactor(this.sender);
    const decoder = new DecoderStream(config.codec.decoder, {
      maxBufferLength: options.maxBufferLength,
      maxBatchLength: MAX_BATCH,
      readableStrategy: ROOM,
    });
    const encoder = new EncoderStream(config.codec.encoder, {
      readableStrategy: ROOM,
      onEncodeError: reactor.onEncodeError && ((error, message) => {
        try {
          reactor.onEncodeError!(error, message);
        } catch (cause) {
          throw reactorThrew(cause);
        }
      }),
    });
    this.#source = duplex.readable.getReader();
    this.#batches = decoder.readable.getReader();
    this.#encoder = encoder.writable.getWriter();
    this.#sink = duplex.writable.getWriter();
    this.#outbox.attach(reactor, () => encoder.batchBytes);
    this.#observer = observer && quietly(observer);
    const { idleTimeout, writeTimeout } = options;
    this.#idle = idleTimeout === undefined
      ? undefined
      : new Silence(idleTimeout, () => this.#onIdle(idleTimeout));
    this.#patience = options.firstMessageTimeout || options.messageTimeout
      ? new Patience(options, (option, limit) => this.#onLate(option, limit))
      : undefined;
    this.#unread = writeTimeout > 0
      ? new Silence(writeTimeout, () => this.#onUnread(writeTimeout))
      : undefined;
    this.#unread?.hold();
    this.#quiet = heartbeat && new Silence(heartbeat.interval, () => this.#beat(heartbeat));

    this.#observer?.onOpen?.();
    const fail = (error: unknown) => this.#fail(error);
    // Notices a broken transport even while nothing is read.
    this.#source.closed.catch(fail);
    this.#receive(decoder).then(() => this.#onInboundEnd()).catch(fail);
    this.#transmit(encoder, duplex.returnsBuffers ?? false).then(() => this.#onFlushed(), fail);
  }

  /**
   * Closes in order: accepts no more messages, sends what is queued, ends the writable
   * (half-close), and waits for the peer to end too. Messages that still arrive are
   * dropped. After `drainTimeout` the connection is aborted, which is an error of code
   * `drain-timeout` only if something was left unsent.
   *
   * Resolves with how the connection ended, and never rejects. May be called again.
   */
  close(): Promise<CloseReason> {
    this.#end(LOCAL);
    return this.closed;
  }

  /**
   * Lets work in progress finish, then closes in order: the reactor is asked to accept no
   * new work, and once it is done, or `timeout` has passed, the connection closes. Without
   * {@linkcode Reactor.onDrain} it closes at once.
   *
   * Resolves with how the connection ended. May be called again; the first `timeout`
   * counts. Throws a `RangeError` for a `timeout` out of range.
   */
  drain(options: DrainOptions = {}): Promise<CloseReason> {
    const timeout = checkDrainTimeout(options.timeout, "timeout");
    if (!this.#draining) {
      this.#draining = true;
      this.#drain(timeout);
    }
    return this.closed;
  }

  /**
   * Ends at once: drops what is queued and aborts the transport. `closed` then resolves
   * with a {@linkcode ConnectionError} of code `aborted`, with `reason` as its cause. Does
   * nothing once the connection has ended.
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

  async #drain(timeout: number): Promise<void> {
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new ConnectionError("drain-timeout", `Not done within ${timeout} ms`)),
      timeout,
    );
    const timeUp = new Promise<void>((resolve) =>
      deadline.signal.addEventListener("abort", () => resolve())
    );
    try {
      if (this.#state === "open") {
        await Promise.race([this.#reactor.onDrain?.(deadline.signal), timeUp, this.closed]);
      }
    } catch (cause) {
      this.#fail(reactorThrew(cause));
    } finally {
      clearTimeout(timer);
    }
    this.#end(LOCAL);
  }

  /** The inbound loop: bytes to the decoder, and its batches to the reactor. */
  async #receive(decoder: DecoderStream<Inbound>): Promise<void> {
    const bytes = decoder.writable.getWriter();
    handled(bytes);
    // Read ahead: an error in a stream discards whatever is still queued in it.
    let reading = this.#batches.read();
    for (let taken = 0, bad = false;;) {
      this.#idle?.touch();
      this.#patience?.waiting(decoder.decoded, decoder.incomplete);
      let { done, value: part } = await this.#source.read();
      this.#idle?.hold();
      this.#patience?.passing();
      if (done) break;
      const { length } = part!;
      this.#observer?.onBytesReceived?.(length);
      for (;;) {
        try {
          await bytes.write(part!);
        } catch {
          // The read below rejects with the reason, after the messages before the bad one.
          bad = true;
        }
        // Also not to keep the chunk in memory while the next one is waited for.
        part = NOTHING;
        for (; bad || taken < decoder.batches; taken++) {
          const { done, value: batch } = await reading;
          if (done) return;
          await this.#dispatch(batch);
          reading = this.#batches.read();
        }
        if (!decoder.behind) break;
      }
      this.#pipelined = this.#allSent ? 0 : this.#pipelined + length;
      if (this.#pipelined > this.#maxPipelinedBytes && this.#state !== "closed") {
        await new Promise<void>((resolve) => this.#readOn = resolve);
      }
    }
    bytes.close().catch(ignore);
    await reading;
  }

  async #dispatch(batch: Inbound[]): Promise<void> {
    this.#observer?.onMessagesReceived?.(batch.length);
    try {
      // By index: an iterator kept across an await costs a call for each message.
      for (let i = 0; i < batch.length && this.#state === "open"; i++) {
        const answer = this.#reactor.onInboundMessage(batch[i]!);
        // Not awaiting a send that did not wait keeps the responses to a batch together.
        if (answer === undefined || answer === "continue" || answer === SENT) continue;
        if ((typeof answer === "object" ? await answer : answer) === "disconnect") this.#end(LOCAL);
      }
      // Not to keep the messages in memory, whoever still has the array.
      batch.length = 0;
    } catch (cause) {
      throw reactorThrew(cause);
    }
  }

  async #onInboundEnd(): Promise<void> {
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

  /** The outbound loop: batches to the encoder, and its bytes to the socket, which paces both. */
  async #transmit(encoder: EncoderStream<Outbound>, returnsBuffers: boolean): Promise<void> {
    const encoded = encoder.readable.getReader();
    handled(this.#encoder);
    handled(this.#sink);
    for (let sent = 0;;) {
      if (!this.#outbox.ready) this.#onAllSent();
      await this.#outbox.gathered();
      this.#allSent = false;
      if (this.#outbox.ready) await this.#encodeBatch();
      else if (this.#outbox.ended) break;
      for (; sent < encoder.chunks; sent++) {
        const { done, value: chunk } = await encoded.read();
        if (done) return;
        this.#quiet?.touch();
        this.#observer?.onBytesSent?.(chunk.length);
        this.#unread?.touch(1 + Math.floor(chunk.length / WRITE_UNIT));
        await this.#sink.write(chunk);
        this.#unread?.hold();
        if (returnsBuffers) encoder.release(chunk);
      }
    }
    this.#onAllSent();
    await this.#sink.close();
  }

  #onAllSent(): void {
    this.#allSent = true;
    this.#pipelined = 0;
    this.#readOn();
  }

  async #encodeBatch(): Promise<void> {
    const before = this.#outbox.taken;
    await this.#encoder.write(this.#outbox);
    this.#observer?.onMessagesSent?.(this.#outbox.taken - before, this.#outbox.queued);
  }

  #onFlushed(): void {
    this.#outboundDone = true;
    this.#finishIfDone();
  }

  #onIdle(idleTimeout: number): void {
    this.#fail(
      new ConnectionError(
        "idle-timeout",
        `The peer has sent nothing for idleTimeout, ${idleTimeout} ms`,
      ),
    );
  }

  #onLate(option: keyof PatienceLimits, limit: number): void {
    const what = option === "messageTimeout" ? "finished a message" : "begun its first message";
    this.#fail(
      new ConnectionError(
        "message-timeout",
        `The peer has not ${what} within ${option}, ${limit} ms`,
      ),
    );
  }

  #onUnread(writeTimeout: number): void {
    this.#fail(
      new ConnectionError(
        "write-timeout",
        `The peer has not read what was written within writeTimeout, ${writeTimeout} ms`,
      ),
    );
  }

  #beat({ message }: Heartbeat<Logical>): void {
    if (this.#state !== "open") return;
    try {
      this.#outbox.trySend(message());
    } catch (cause) {
      this.#fail(reactorThrew(cause));
    }
  }

  /** Begins an orderly close. */
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
          `The connection could not end in order within drainTimeout, ${this.#drainTimeout} ms`,
        ),
      );
    }, this.#drainTimeout);
  }

  #finishIfDone(): void {
    if (this.#inboundDone && this.#outboundDone) this.#finish(this.#reason);
  }

  #fail(error: unknown): void {
    // Everything has been sent, and what still arrives would be dropped anyway: however
    // the peer reacts, this was an orderly close.
    if (this.#state === "ending" && this.#outboundDone) this.#finish(this.#reason);
    else this.#finish({ kind: "error", error: toError(error) });
  }

  #finish(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (reason.kind === "error" && this.#remoteAddress) {
      reason.error.remoteAddress = this.#remoteAddress;
    }
    clearTimeout(this.#drainTimer);
    this.#idle?.stop();
    this.#patience?.stop();
    this.#unread?.stop();
    this.#quiet?.stop();
    this.#outbox.clear();
    this.#onAllSent();
    if (!this.#inboundDone || !this.#outboundDone) {
      this.#tearDown(reason.kind === "error" ? reason.error : undefined);
    }
    try {
      this.#reactor.onClose?.(reason);
    } catch (cause) {
      if (reason.kind !== "error") reason = { kind: "error", error: reactorThrew(cause) };
    }
    this.#observer?.onClose?.(reason);
    this.#resolveClosed(reason);
  }

  /** Ends all four streams at once, whatever each is waiting for. */
  #tearDown(error: unknown): void {
    this.#sink.abort(error).catch(ignore);
    this.#encoder.abort(error).catch(ignore);
    this.#batches.cancel(error).catch(ignore);
    this.#source.cancel(error).catch(ignore);
  }
}

/** Marks the writer's promises as handled: errors are seen where the writes are awaited. */
function handled({ closed, ready }: WritableStreamDefaultWriter): void {
  closed.catch(ignore);
  ready.catch(ignore);
}

function toError(error: unknown): ConnectionError | TransportError {
  if (error instanceof ConnectionError || error instanceof TransportError) return error;
  return new TransportError("other", "The transport failed", { cause: error });
}
