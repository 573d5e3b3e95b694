import { WebSocketTransport, type WebSocketUse } from "./_transport.ts";

/** The part of a `WebSocket` that is used. Optional members exist on some runtimes only. */
export interface WebSocketLike {
  /** The type of binary messages: it is set to `arraybuffer`. */
  binaryType: string;
  /** From 0 (connecting) to 3 (closed). */
  readonly readyState: number;
  /** The negotiated subprotocol; empty if there is none. */
  readonly protocol?: string | null;
  /** How many bytes are waiting to be sent. Without it, writes never wait. */
  readonly bufferedAmount?: number;
  /** Sends a binary message. */
  send(data: Uint8Array<ArrayBuffer>): void;
  /** Closes with a code. */
  close(code?: number, reason?: string): void;
  /** Listens to `open`, `message`, `error` and `close`. */
  // deno-lint-ignore no-explicit-any
  addEventListener(type: any, listener: (event: any) => void): void;
  /** Accepts a WebSocket of a `WebSocketPair`. */
  accept?(): void;
  /** Aborts without a close. */
  terminate?(): void;
  /** Stops reading. */
  pause?(): void;
  /** Resumes reading. */
  resume?(): void;
}

const CONNECTING = 0;
const CLOSING = 2;
/** The close code for an abort by this end; 4000 to 4999 are for applications. */
const ABORTED = 4000;
/** How many sends in a row may succeed at once before yielding to the event loop. */
const SENDS_A_TURN = 16;
/** The longest time between polls of `bufferedAmount`, in milliseconds; it doubles up to this. */
const LONGEST_PAUSE = 16;

/** A WebSocket that delivers messages as events. It has no drain event, so room is polled. */
export class EventTransport<Socket extends WebSocketLike> extends WebSocketTransport {
  protected readonly socket: Socket;
  #error: unknown;
  #sends = 0;
  /** Whether `send` copies the bytes at once, as the standard requires; others may read them later. */
  readonly #copies: boolean;

  constructor(socket: Socket, use: WebSocketUse) {
    super(use);
    this.socket = socket;
    const { WebSocket } = globalThis as { WebSocket?: unknown };
    this.#copies = typeof WebSocket === "function" && socket instanceof WebSocket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }: { data: unknown }) => {
      this.#sends = 0;
      this.received(data);
    });
    socket.addEventListener("error", (event: { error?: unknown }) => this.#error = event.error);
    socket.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
      // Some runtimes wait for our close even though the peer has closed.
      if (socket.readyState === CLOSING) this.close(1000, "");
      this.closed(code, reason, this.#error);
    });
    if (socket.readyState >= CLOSING) this.closed(1006, "");
  }

  protected override send(bytes: Uint8Array): void | Promise<void> {
    if (this.socket.readyState === CONNECTING) return this.#sendOnceOpen(bytes);
    this.socket.send((this.#copies ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>);
    if (this.#unsent > this.limits.maxUnsentBytes) return this.#room();
    // Between two sends there may be only microtasks, which would starve timers.
    if (++this.#sends < SENDS_A_TURN) return;
    this.#sends = 0;
    return this.changed(0);
  }

  get #unsent(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  async #sendOnceOpen(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.addEventListener("open", () => resolve());
      this.socket.addEventListener("close", () => resolve());
    });
    if (!this.gone) await this.send(bytes);
  }

  async #room(): Promise<void> {
    for (let ms = 1; !this.gone; ms = Math.min(ms * 2, LONGEST_PAUSE)) {
      await this.changed(ms);
      if (this.#unsent <= this.limits.maxUnsentBytes) return;
    }
  }

  protected override close(code: number, reason: string): void {
    try {
      this.socket.close(code, reason);
    } catch {
      // Browsers allow a page to send only 1000 and application codes.
      this.socket.close(code % 1000 + 4000, reason);
    }
  }

  protected override kill(): void {
    if (this.socket.terminate) this.socket.terminate();
    else this.close(ABORTED, "aborted");
  }

  protected override hold(hold: boolean): void {
    if (hold) this.socket.pause?.();
    else this.socket.resume?.();
  }
}
