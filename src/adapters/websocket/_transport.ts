import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { PushDuplex, type PushTransport } from "../base/_push_duplex.ts";
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
export abstract class WebSocketTransport implements PushTransport {
  readonly duplex: PushDuplex;
  protected readonly limits: WebSocketLimits;
  /** Whether {@linkcode hold} is certain to stop the peer. */
  protected readonly holds: boolean = false;
  readonly #halfClose: boolean;
  #closed = false;
  #destroyed = false;
  #farewell: [code: number, reason: string] | undefined;
  #wake: () => void = () => {};
  /** Runs from a close that nobody here waits for until it is answered. */
  #closing: ReturnType<typeof setTimeout> | undefined;

  constructor(use: WebSocketUse) {
    this.limits = limitsOf(use);
    this.#halfClose = use.halfClose;
    this.duplex = new PushDuplex(this, use.remoteAddress);
  }

  /** Sends a message without keeping a reference to it; then waits until there is room again. */
  protected abstract send(bytes: Uint8Array): void | Promise<void>;
  /** Closes with a code, in order. */
  protected abstract close(code: number, reason: string): void;
  /** Aborts, so that the peer does not see an orderly end. */
  protected abstract kill(): void;
  /** Stops or resumes reading, where that is possible. */
  protected hold(_hold: boolean): void {}

  /** Whether the WebSocket can no longer send. */
  protected get gone(): boolean {
    return this.#closed || this.#destroyed;
  }

  /** A message has arrived. */
  received(data: unknown): void {
    if (this.gone) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!(bytes instanceof Uint8Array)) return this.#refuse(1003, "text is not taken");
    const { length } = bytes;
    const { maxFrameBytes, maxBufferedBytes } = this.limits;
    if (length > maxFrameBytes) {
      return this.#refuse(1009, `${length} bytes in a message, maxFrameBytes is ${maxFrameBytes}`);
    }
    if (length === 0) {
      if (this.#halfClose) this.duplex.end();
      return;
    }
    const { held } = this.duplex;
    if (!this.holds && held > 0 && held + length > maxBufferedBytes) {
      return this.#refuse(1009, `nobody read, maxBufferedBytes is ${maxBufferedBytes}`);
    }
    this.duplex.push(bytes);
  }

  /** The WebSocket has closed. `error` is the platform's, if it reported one. */
  closed(code: number, reason: string, error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#closing);
    if (IN_ORDER.includes(code)) this.duplex.end();
    else this.duplex.fail(closedWith(code, reason, error));
    this.#wake();
  }

  /** Resolves when the WebSocket's state changes, or after `ms` milliseconds. */
  protected changed(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms === undefined) return void (this.#wake = resolve);
      const timer = setTimeout(resolve, ms);
      this.#wake = () => (clearTimeout(timer), resolve());
    });
  }

  /** Wakes whoever waits for a change. */
  protected wake(): void {
    this.#wake();
  }

  pause(): void {
    this.hold(true);
  }

  resume(): void {
    this.hold(false);
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length > MAX_SENT) return this.#writeMuch(bytes);
    // An empty message would end the direction.
    if (bytes.length > 0) return this.#send(bytes);
  }

  async #writeMuch(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_SENT) {
      await this.#send(bytes.subarray(at, at + MAX_SENT));
    }
  }

  #send(bytes: Uint8Array): void | Promise<void> {
    if (!this.gone) return this.send(bytes);
    throw new TransportError("reset", "The other end has closed the WebSocket and takes no more");
  }

  async end(): Promise<void> {
    // A peer that has closed in order receives nothing any more.
    if (this.gone) return;
    if (this.#halfClose) return this.send(EMPTY);
    this.close(1000, "");
    // Stop holding back what arrives: the peer's reply is behind it.
    this.hold(false);
    const timer = setTimeout(() => this.duplex.fail(notAnswered()), CLOSE_TIMEOUT);
    while (!this.gone) await new Promise<void>((resolve) => this.#wake = resolve);
    clearTimeout(timer);
  }

  release(): void {
    if (this.gone) return;
    this.hold(false);
    this.close(1000, "");
    this.#killUnlessClosed();
  }

  /** A peer that does not answer a close must not keep the socket, nor the process. */
  #killUnlessClosed(): void {
    this.#closing = setTimeout(() => this.kill(), RELEASE_TIMEOUT);
  }

  destroy(): void {
    this.#destroyed = true;
    if (!this.#closed) {
      if (!this.#farewell) this.kill();
      else {
        this.hold(false);
        this.close(...this.#farewell);
        this.#killUnlessClosed();
      }
    }
    this.#wake();
  }

  #refuse(code: number, why: string): void {
    this.#farewell = [code, why];
    this.duplex.fail(new TransportError("other", `The WebSocket was closed by this end: ${why}`));
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
