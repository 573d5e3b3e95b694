import { Outbox, type OutboxOwner, SENT } from "./_outbox.ts";
import { StreamLink } from "./_stream_link.ts";
import { type Timed, Timeouts } from "./_timeouts.ts";
import { TurnLink } from "./_turn_link.ts";
import type { CloseReason } from "../close_reason.ts";
import type { ConnectionConfig, Heartbeat } from "./connection_config.ts";
import { Decoding } from "../streams/_decoding.ts";
import type { Duplex, SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { Encoding } from "../streams/_encoding.ts";
import { letGo } from "../streams/encode_buffer.ts";
import { ConnectionError, failureOf, reactorThrew, TransportError } from "../errors.ts";
import { type ConnectionObserver, quietly } from "../observer.ts";
import { checkBytes, checkCodec, checkDuplex, checkFunction, requireOptions } from "../check.ts";
import {
  checkConnectionOptions,
  checkConnectionParts,
  type ConnectionOptions,
} from "../options.ts";
import type { Reactor } from "../reactor.ts";
import { caught } from "../user_callback.ts";
import { watch } from "../waits/bounded.ts";
import { onAbort } from "../waits/on_abort.ts";

const LOCAL: CloseReason = { kind: "local" };
const PEER: CloseReason = { kind: "peer" };

/**
 * The life of a connection, from its first byte to its end: what both ways of the data, by
 * turns ({@linkcode TurnLink}) and by streams ({@linkcode StreamLink}), have in common. A link
 * moves bytes and calls this; it does not know of states, limits or time-outs.
 */
export class ConnectionCore<Inbound, Outbound, Logical> implements Timed, OutboxOwner {
  readonly closed: Promise<CloseReason>;
  readonly outbox: Outbox<Outbound, Logical>;
  readonly decoding: Decoding<Inbound>;
  readonly encoding: Encoding<Outbound>;
  bytesReceived = 0;
  bytesSent = 0;

  readonly #reactor: Reactor<Inbound, Outbound, Logical>;
  readonly #link: TurnLink<Inbound, Outbound, Logical> | StreamLink<Inbound, Outbound, Logical>;
  readonly #drainTimeout: number;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #observer: ConnectionObserver | undefined;
  /** `ending`: closing in order, for `#reason`. `closed`: over; the reactor has been told. */
  #state: "open" | "ending" | "closed" = "open";
  #reason: CloseReason = LOCAL;
  /** The peer has ended, and all that it sent has been dispatched. */
  #inboundDone = false;
  /** The transport has taken everything that was queued, and our direction has ended. */
  #outboundDone = false;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  /** Fires when a drain has taken too long. */
  #deadline: AbortController | undefined;
  readonly #timeouts: Timeouts;
  readonly #heartbeat: Heartbeat<Logical> | undefined;
  readonly #maxPipelinedBytes: number;
  /** Bytes read while something waited to be sent; see `maxPipelinedBytes`. */
  #pipelined = 0;
  /** Whether nothing is left to send. */
  #allWritten = true;
  /** How many encoded messages the observer has been told of. */
  #observed = 0;
  /**
   * What waits until so many messages have been taken: until so many bytes have, which is known
   * once the last of them is encoded.
   */
  #mark: { readonly messages: number; bytes: number; readonly resolve: () => void } | undefined;
  #resolveClosed!: (reason: CloseReason) => void;

  constructor(
    duplex: Duplex,
    config: ConnectionConfig<Inbound, Outbound, Logical>,
    defaults: ConnectionOptions,
  ) {
    checkDuplex(duplex);
    requireOptions("config", "a codec", config);
    checkCodec(config.codec);
    checkFunction("reactor", config.reactor, " that makes one for a sender");
    const options = checkConnectionOptions(config, defaults);
    checkConnectionParts(config);
    const { heartbeat, observer } = config;
    this.#drainTimeout = options.drainTimeout;
    this.#maxPipelinedBytes = options.maxPipelinedBytes || Infinity;
    this.#remoteAddress = (duplex as SocketDuplex).remoteAddress;
    this.#observer = observer && quietly(observer);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.outbox = new Outbox(options.maxQueuedMessages, this, this.#remoteAddress);
    const reactor = this.#reactor = config.reactor(this.outbox, this);
    checkFunction("onInboundMessage of a reactor", reactor?.onInboundMessage);
    this.decoding = new Decoding(config.codec.decoder, options.maxBufferLength);
    this.encoding = new Encoding(
      config.codec.encoder,
      options.maxOutboundLength,
      reactor.onEncodeError && this,
    );
    const byTurns = duplex.attach !== undefined && !config.streams;
    this.#link = byTurns ? new TurnLink(this, duplex) : new StreamLink(this, duplex);
    this.#heartbeat = heartbeat;
    this.#timeouts = new Timeouts(options, heartbeat?.interval, this);

    this.#observer?.onOpen?.();
    this.outbox.attach(reactor, this.encoding);
    this.#link.start();
  }

  /** Whether messages go to the reactor. */
  get delivering(): boolean {
    return this.#state === "open";
  }

  /** Whether the connection has ended. */
  get over(): boolean {
    return this.#state === "closed";
  }

  /** How much work the reactor says is in progress. */
  get inFlight(): number {
    const { inFlight = 0 } = this.#reactor;
    return typeof inFlight === "number" ? inFlight : inFlight();
  }

  /** What has arrived, if that is not even one message; for errors. */
  get arrived(): string {
    return this.decoding.arrived;
  }

  /** How many bytes of what is being written the transport has not taken. */
  get unsent(): number {
    return this.#link.unsent;
  }

  /** What was sent outside of a dispatch should be written. */
  onGathered(): void {
    // A reactor may have sent something and thrown, so that there is no connection.
    this.#link?.flush();
  }

  /** A message could not be encoded, of which the reactor wants to be told. */
  onEncodeError(error: unknown, message: Outbound): void {
    try {
      caught(this.#reactor.onEncodeError!(error, message), (cause) => this.failWaiting(cause));
    } catch (cause) {
      throw reactorThrew(cause);
    }
  }

  /** The wait for bytes begins. */
  onReading(): void {
    this.#timeouts.onReading(this.decoding.decoded, this.decoding.incomplete);
  }

  /** A chunk has arrived; returns whether it is one of bytes. Otherwise the connection has failed. */
  onRead(chunk: Uint8Array): boolean {
    try {
      checkBytes("A chunk that the duplex delivers", chunk);
    } catch (cause) {
      this.fail(new TransportError("other", (cause as Error).message, { cause }));
      return false;
    }
    this.#timeouts.onRead();
    this.bytesReceived += chunk.length;
    this.#observer?.onBytesReceived?.(chunk.length);
    return true;
  }

  /** Passes a message to the reactor; returns what to wait for, if it wants to. */
  dispatch(message: Inbound, bytes: number): Promise<void> | undefined {
    let answer;
    try {
      answer = this.#reactor.onInboundMessage(message, bytes);
    } catch (cause) {
      throw reactorThrew(cause);
    }
    // Not awaiting a send that did not wait keeps the responses to a chunk together.
    if (answer === undefined || answer === "continue" || answer === SENT) return undefined;
    if (typeof answer === "object") {
      return Promise.resolve(answer).then((status) => void (status === "disconnect" && this.end()));
    }
    if (answer === "disconnect") this.end();
    return undefined;
  }

  /** A promise of the reactor, which was waited for, has rejected. */
  failWaiting(cause: unknown): void {
    // It could not send any more, which is no fault of its own.
    const ours = cause instanceof ConnectionError && cause.code === "closed";
    if (this.#state !== "open" && ours) return;
    this.fail(reactorThrew(cause));
  }

  /** So many messages of a chunk have gone to the reactor. */
  onDispatched(messages: number): void {
    if (messages > 0) this.#observer?.onMessagesReceived?.(messages);
  }

  /** A chunk has been dispatched; returns what to wait for before more is read, if anything. */
  onChunkDone(bytes: number): Promise<void> | undefined {
    if (this.#maxPipelinedBytes === Infinity) return undefined;
    if (this.#allWritten && !this.outbox.ready) this.#pipelined = 0;
    else this.#pipelined += bytes;
    if (this.#pipelined <= this.#maxPipelinedBytes || this.#state !== "open") return undefined;
    this.#pipelined = 0;
    const messages = this.outbox.encoded + this.outbox.pending;
    return new Promise((resolve) => {
      this.#mark = { messages, bytes: Infinity, resolve };
      this.#locateMark();
    });
  }

  /** The peer has ended, and all of its messages have gone to the reactor. */
  async onInboundEnd(): Promise<void> {
    this.#inboundDone = true;
    // Nothing more is expected of it.
    this.#timeouts.onRead();
    if (this.#state === "open") {
      this.#startDrainTimer();
      try {
        await this.#reactor.onInboundEnd?.();
      } catch (cause) {
        this.failWaiting(cause);
      }
      this.#end(PEER);
    }
    this.#finishIfDone();
  }

  /** Encodes what waits to be sent. */
  fill(): void {
    const { outbox } = this;
    this.#allWritten = false;
    outbox.fill();
    // A callback may have ended the connection.
    if (this.over) return;
    // Also those that a reactor has pulled before.
    const sent = outbox.encoded - this.#observed;
    if (sent > 0) {
      this.#observed = outbox.encoded;
      this.#observer?.onMessagesSent?.(sent, outbox.queued);
    }
  }

  /** A chunk is about to be written. */
  onWrite(bytes: number): void {
    if (this.over) return;
    this.#timeouts.onWrite();
    this.bytesSent += bytes;
    this.#observer?.onBytesSent?.(bytes);
    this.#locateMark();
  }

  /** The transport has not taken all of it at once. */
  onPending(bytes: number): void {
    this.#timeouts.onPending(bytes);
  }

  /** The transport has taken it. */
  onTaken(): void {
    this.#timeouts.onTaken();
    this.#onTaken(this.bytesSent);
  }

  /** Nothing is left to send. */
  onAllWritten(): void {
    this.#allWritten = true;
    letGo(this.encoding.buffer);
    this.#onTaken(Infinity);
  }

  /** Everything has been sent, and our direction has ended. */
  onFlushed(): void {
    this.#outboundDone = true;
    this.#finishIfDone();
  }

  /** Closes in order. */
  end(): void {
    this.#end(LOCAL);
  }

  /** Ends at once. */
  abort(reason: unknown): void {
    const error = new ConnectionError("aborted", "The connection was aborted", { cause: reason });
    this.#finish({ kind: "error", error });
  }

  /** Lets the reactor finish within `timeout`, then closes in order. */
  async drain(timeout: number): Promise<void> {
    const begun = this.#deadline !== undefined;
    const deadline = this.#deadline ??= new AbortController();
    const release = watch([], timeout, () => {
      deadline.abort(new ConnectionError("drain-timeout", `Not done within ${timeout} ms`));
    });
    if (begun) return void this.closed.then(release);
    const timeUp = new Promise<void>((resolve) => onAbort(deadline.signal, resolve));
    try {
      if (this.#state === "open") {
        await Promise.race([this.#reactor.onDrain?.(deadline.signal), timeUp, this.closed]);
      }
    } catch (cause) {
      this.failWaiting(cause);
    } finally {
      release();
    }
    this.end();
  }

  /** Something has gone wrong. */
  fail(error: unknown): void {
    // Everything has been sent, and what still arrives would be dropped anyway: however
    // the peer reacts, this was an orderly close.
    if (this.#state === "ending" && this.#outboundDone) this.#finish(this.#reason);
    else this.#finish({ kind: "error", error: failureOf(error) });
  }

  /** Notes where the last of the messages ends, once it is encoded; more may follow it at once. */
  #locateMark(): void {
    const mark = this.#mark;
    if (mark?.bytes !== Infinity || this.outbox.encoded < mark.messages) return;
    mark.bytes = this.encoding.bytes;
  }

  #onTaken(bytes: number): void {
    const mark = this.#mark;
    if (mark === undefined || bytes < mark.bytes) return;
    this.#mark = undefined;
    mark.resolve();
  }

  /** Nothing has been sent for a heartbeat's interval. */
  beat(): void {
    if (this.#state !== "open") return;
    try {
      this.outbox.trySend(this.#heartbeat!.message());
    } catch (cause) {
      this.fail(reactorThrew(cause));
    }
  }

  /** Begins an orderly close. */
  #end(reason: CloseReason): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#reason = reason;
    this.#startDrainTimer();
    try {
      caught(this.#reactor.onClosing?.(), (cause) => this.failWaiting(cause));
    } catch (cause) {
      return this.fail(reactorThrew(cause));
    }
    // It may have aborted the connection.
    if (this.over) return;
    this.outbox.end();
    this.#link.onClosing();
    this.#link.flush();
  }

  #startDrainTimer(): void {
    this.#drainTimer ??= setTimeout(() => {
      this.fail(
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

  #finish(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (reason.kind === "error" && this.#remoteAddress) {
      reason.error.remoteAddress = this.#remoteAddress;
    }
    clearTimeout(this.#drainTimer);
    this.#timeouts.stop();
    this.outbox.clear(reason.kind === "error" ? reason.error : undefined);
    this.#onTaken(Infinity);
    if (!this.#inboundDone || !this.#outboundDone) {
      this.#link.abort(reason.kind === "error" ? reason.error : undefined);
    }
    try {
      caught(this.#reactor.onClose?.(reason));
    } catch (cause) {
      if (reason.kind !== "error") reason = { kind: "error", error: reactorThrew(cause) };
    }
    this.#observer?.onClose?.(reason);
    this.#resolveClosed(reason);
  }
}
