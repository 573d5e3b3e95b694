import { DuplexBase } from "../../duplex/duplex_base.ts";
import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { limitsOf, type WebSocketLimits, type WebSocketOptions } from "./_settings.ts";

/** The longest message that is sent: peers have limits too. */
const MAX_SENT = 64 * 1024;
/** Codes of an orderly close: normal, page or server going away, none given. */
const IN_ORDER: readonly number[] = [1000, 1001, 1005];
const EMPTY = new Uint8Array(0);
/** Milliseconds to wait for the peer's reply to a close, as in `ws`. */
const CLOSE_TIMEOUT = 30_000;
/** The same, once nothing is sent or read any more: milliseconds until the socket is broken off. */
const RELEASE_TIMEOUT = 2_000;

/** How a WebSocket is used, as negotiated. */
export interface WebSocketUse extends WebSocketOptions {
  /** Whether an empty message ends one direction. */
  readonly halfClose: boolean;
  readonly remoteAddress?: SocketAddress | undefined;
}

/** The common part of all WebSockets: messages are bytes, and their boundaries mean nothing. */
export abstract class WebSocketTransport extends DuplexBase {
  protected readonly limits: WebSocketLimits;
  /** Whether {@linkcode setPaused} is certain to stop the peer. */
  protected readonly holds: boolean = false;
  readonly #halfClose: boolean;
  /** What of the write under way has not been passed on, and how long the message is that waits. */
  #rest: Uint8Array | undefined;
  #waiting = 0;
  /** Whether all that arrives is read, since the reply to our close is behind it. */
  #readsOn = false;
  #closed = false;
  #destroyed = false;
  #farewell: [code: number, reason: string] | undefined;
  /** One at a time: for room, or for the reply to a close. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(use: WebSocketUse) {
    super(use.remoteAddress);
    this.limits = limitsOf(use);
    this.#halfClose = use.halfClose;
  }

  /**
   * Sends a message. Returns whether its memory is no longer needed, and more may be sent; if
   * not, calls {@linkcode sent} later.
   */
  protected abstract sendMessage(bytes: Uint8Array): boolean;
  /** Closes with a code, in order. */
  protected abstract close(code: number, reason: string): void;
  /** Aborts, so that the peer does not see an orderly end. */
  protected abstract kill(): void;
  /** Stops or resumes reading, where that is possible. */
  protected setPaused(_paused: boolean): void {}

  /** How many bytes the WebSocket has buffered, if it tells. */
  protected get buffered(): number {
    return Infinity;
  }

  /** Whether the WebSocket can no longer send. */
  protected get gone(): boolean {
    return this.#closed || this.#destroyed;
  }

  /** The duplex that this is. */
  get duplex(): SocketDuplex {
    return this;
  }

  override get unsent(): number {
    return (this.#rest?.length ?? 0) + Math.min(this.#waiting, this.buffered);
  }

  /** A message has arrived. */
  override received(data: unknown): void {
    if (this.gone) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!(bytes instanceof Uint8Array)) return this.#refuse(1003, "text is not taken");
    const { length } = bytes;
    const { maxFrameBytes, maxBufferedBytes } = this.limits;
    if (length > maxFrameBytes) {
      return this.#refuse(1009, `${length} bytes in a message, maxFrameBytes is ${maxFrameBytes}`);
    }
    if (length === 0) {
      if (this.#halfClose) this.ended();
      return;
    }
    const { held } = this;
    if ((!this.holds || this.#readsOn) && held > 0 && held + length > maxBufferedBytes) {
      return this.#refuse(1009, `nobody read, maxBufferedBytes is ${maxBufferedBytes}`);
    }
    super.received(bytes);
  }

  /** The WebSocket has closed. `error` is the platform's, if it reported one. */
  closed(code: number, reason: string, error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (!IN_ORDER.includes(code)) return this.fail(closedWith(code, reason, error));
    this.#rest = undefined;
    this.#waiting = 0;
    this.ended();
    // Nobody receives the rest. The next write tells, if there is one.
    this.drained();
  }

  /** The message that {@linkcode sendMessage} returned `false` for needs to wait no longer. */
  protected sent(): void {
    if (this.gone) return;
    this.#waiting = 0;
    if (this.#sendRest()) this.drained();
  }

  /** Calls back after `ms` milliseconds, unless the WebSocket closes, or this is called again. */
  protected after(ms: number, callback: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(callback, ms);
  }

  protected override flow(): void {
    this.setPaused(false);
  }

  protected override hold(): void {
    if (!this.#readsOn) this.setPaused(true);
  }

  #readOn(): void {
    this.#readsOn = true;
    this.setPaused(false);
  }

  protected override send(bytes: Uint8Array): boolean {
    if (this.gone) {
      const message = "The other end has closed the WebSocket and takes no more";
      this.fail(new TransportError("reset", message));
      return false;
    }
    this.#rest = bytes;
    return this.#sendRest();
  }

  #sendRest(): boolean {
    while (this.#rest) {
      const bytes = this.#rest;
      const whole = bytes.length <= MAX_SENT;
      this.#rest = whole ? undefined : bytes.subarray(MAX_SENT);
      const message = whole ? bytes : bytes.subarray(0, MAX_SENT);
      if (this.sendMessage(message)) continue;
      this.#waiting = message.length;
      return false;
    }
    return true;
  }

  protected override sendEnd(): boolean {
    // A peer that has closed in order receives nothing any more.
    if (this.gone) return true;
    if (this.#halfClose) return this.sendMessage(EMPTY);
    this.close(1000, "");
    this.#readOn();
    this.after(CLOSE_TIMEOUT, () => this.fail(notAnswered()));
    return false;
  }

  protected override release(): void {
    if (this.gone) return;
    this.#readOn();
    this.close(1000, "");
    this.#killUnlessClosed();
  }

  /** A peer that does not answer a close must not keep the socket, nor the process. */
  #killUnlessClosed(): void {
    this.after(RELEASE_TIMEOUT, () => this.kill());
  }

  protected override destroy(): void {
    this.#destroyed = true;
    this.#rest = undefined;
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#readOn();
    if (!this.#farewell) return this.kill();
    this.close(...this.#farewell);
    this.#killUnlessClosed();
  }

  #refuse(code: number, why: string): void {
    this.#farewell = [code, why];
    this.fail(new TransportError("other", `The WebSocket was closed by this end: ${why}`));
  }
}

function notAnswered(): TransportError {
  const message = `The other end did not answer the close within ${CLOSE_TIMEOUT} ms`;
  return new TransportError("timed-out", message);
}

function closedWith(code: number, reason: string, error: unknown): TransportError {
  const message = code === 1006
    ? "The WebSocket was broken off without a close"
    : `The other end closed the WebSocket with code ${code}${reason && `: ${reason}`}`;
  return new TransportError("reset", message, { cause: error ?? { code, reason } });
}
