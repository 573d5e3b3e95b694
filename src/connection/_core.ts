import type { LinkOwner } from "./_link_owner.ts";
import { Outbox, type OutboxOwner, SENT } from "./_outbox.ts";
import { Pipelining } from "./_pipelining.ts";
import { StreamLink } from "./_stream_link.ts";
import { type Timed, Timeouts } from "./_timeouts.ts";
import { TurnLink } from "./_turn_link.ts";
import type { CloseReason } from "../close_reason.ts";
import type { ConnectionConfig, ConnectionControl, Heartbeat } from "./connection_config.ts";
import { Decoding } from "../streams/_decoding.ts";
import type { Duplex, SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { type EncodeErrors, Encoding } from "../streams/_encoding.ts";
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
 * moves bytes and calls this; it does not know of states, limits or time-outs. What the parts of a
 * connection tell it is said in the interfaces that it implements.
 */
export class ConnectionCore<Inbound, Outbound, Logical>
  implements
    LinkOwner<Inbound, Outbound, Logical>,
    OutboxOwner,
    Timed,
    EncodeErrors<Outbound>,
    ConnectionControl {
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
  readonly #pipelining: Pipelining | undefined;
  /** Whether nothing is left to send. */
  #allWritten = true;
  /** How many encoded messages the observer has been told of. */
  #observed = 0;
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
    if (options.maxPipelinedBytes > 0) {
      this.#pipelining = new Pipelining(options.maxPipelinedBytes, this.outbox, this.encoding);
    }
    const byTurns = duplex.attach !== undefined && !config.streams;
    this.#link = byTurns ? new TurnLink(this, duplex) : new StreamLink(this, duplex);
    this.#heartbeat = heartbeat;
    this.#timeouts = new Timeouts(options, heartbeat?.interval, this);

    this.#observer?.onOpen?.();
    this.outbox.attach(reactor, this.encoding);
    this.#link.start();
  }

  get delivering(): boolean {
    return this.#state === "open";
  }

  get over(): boolean {
    return this.#state === "closed";
  }

  /** How much work the reactor says is in progress. */
  get inFlight(): number {
    const { inFlight = 0 } = this.#reactor;
    return typeof inFlight === "number" ? inFlight : inFlight();
  }

  get arrived(): string {
    return this.decoding.arrived;
  }

  get unsent(): number {
    return this.#link.unsent;
  }

  onGathered(): void {
    // A reactor may have sent something and thrown, so that there is no connection.
    this.#link?.flush();
  }

  onEncodeError(error: unknown, message: Outbound): void {
    try {
      caught(this.#reactor.onEncodeError!(error, message), (cause) => this.failWaiting(cause));
    } catch (cause) {
      throw reactorThrew(cause);
    }
  }

  onReading(): void {
    this.#timeouts.onReading(this.decoding.decoded, this.decoding.incomplete);
  }

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

  failWaiting(cause: unknown): void {
    // It could not send any more, which is no fault of its own.
    const ours = cause instanceof ConnectionError && cause.code === "closed";
    if (this.#state !== "open" && ours) return;
    this.fail(reactorThrew(cause));
  }

  onDispatched(messages: number): void {
    if (messages > 0) this.#observer?.onMessagesReceived?.(messages);
  }

  onChunkDone(bytes: number): Promise<void> | undefined {
    if (this.#pipelining === undefined || this.#state !== "open") return undefined;
    return this.#pipelining.onRead(bytes, !this.#allWritten || this.outbox.ready);
  }

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

  onWrite(bytes: number): void {
    if (this.over) return;
    this.#timeouts.onWrite();
    this.bytesSent += bytes;
    this.#observer?.onBytesSent?.(bytes);
    this.#pipelining?.onWrite();
  }

  onPending(bytes: number): void {
    this.#timeouts.onPending(bytes);
  }

  onTaken(): void {
    this.#timeouts.onTaken();
    this.#pipelining?.onTaken(this.bytesSent);
  }

  onAllWritten(): void {
    this.#allWritten = true;
    letGo(this.encoding.buffer);
    this.#pipelining?.onTaken(Infinity);
  }

  onFlushed(): void {
    this.#outboundDone = true;
    this.#finishIfDone();
  }

  end(): void {
    this.#end(LOCAL);
  }

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

  fail(error: unknown): void {
    // Everything has been sent, and what still arrives would be dropped anyway: however
    // the peer reacts, this was an orderly close.
    if (this.#state === "ending" && this.#outboundDone) this.#finish(this.#reason);
    else this.#finish({ kind: "error", error: failureOf(error) });
  }

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
    this.#pipelining?.onTaken(Infinity);
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
