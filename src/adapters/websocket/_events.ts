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
/** The longest time between polls of `bufferedAmount`, in milliseconds; it doubles up to this. */
const LONGEST_PAUSE = 16;
/** For empty writes, which send nothing but fail if the connection is gone. */
const EMPTY = new Uint8Array(0);

/** What `ws` has below a WebSocket that is open. */
interface RawSocket {
  readonly writable: boolean;
  readonly writableLength: number;
  write(bytes: Uint8Array): void;
}

/** A WebSocket that delivers messages as events. It has no drain event, so room is polled. */
export class EventTransport<Socket extends WebSocketLike> extends WebSocketTransport {
  protected readonly socket: Socket;
  #error: unknown;
  /** What was sent before the WebSocket was open. */
  #early: Uint8Array | undefined;
  /** Whether `send` copies the bytes at once, as the standard requires; others may read them later. */
  readonly #copies: boolean;
  /** `ws` can be paused, and then hears of no reset. Others do not need it. */
  protected override probe?: () => void;

  constructor(socket: Socket, use: WebSocketUse) {
    super(use);
    this.socket = socket;
    const { WebSocket } = globalThis as { WebSocket?: unknown };
    this.#copies = typeof WebSocket === "function" && socket instanceof WebSocket;
    if (socket.pause) this.probe = () => this.#ask();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }: { data: unknown }) => this.received(data));
    socket.addEventListener("error", (event: { error?: unknown }) => this.#error = event.error);
    socket.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
      // Some runtimes wait for our close even though the peer has closed.
      if (socket.readyState === CLOSING) this.close(1000, "");
      this.closed(code, reason, this.#error);
    });
    if (socket.readyState === CONNECTING) socket.addEventListener("open", () => this.#onOpen());
    if (socket.readyState >= CLOSING) this.closed(1006, "");
    else this.setPaused(true);
  }

  protected override get buffered(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  protected override sendMessage(bytes: Uint8Array): boolean {
    if (this.socket.readyState === CONNECTING) {
      this.#early = bytes;
      return false;
    }
    this.socket.send((this.#copies ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>);
    if (this.#hasRoom) return true;
    this.#pollRoom(1);
    return false;
  }

  #onOpen(): void {
    const early = this.#early;
    this.#early = undefined;
    if (early && !this.gone && this.sendMessage(early)) this.sent();
  }

  get #hasRoom(): boolean {
    return this.buffered <= this.limits.maxUnsentBytes;
  }

  #pollRoom(ms: number): void {
    this.after(ms, () => {
      if (this.#hasRoom) this.sent();
      else this.#pollRoom(Math.min(ms * 2, LONGEST_PAUSE));
    });
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

  protected override setPaused(paused: boolean): void {
    if (paused) this.socket.pause?.();
    else this.socket.resume?.();
  }

  /** Asks the system whether the connection is still there. */
  #ask(): void {
    const { _socket: raw } = this.socket as { readonly _socket?: RawSocket };
    // While a write waits, the system is being asked already.
    if (raw?.writable && raw.writableLength === 0) raw.write(EMPTY);
  }
}
