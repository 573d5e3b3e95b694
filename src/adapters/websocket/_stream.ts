import { TransportError } from "../../errors.ts";
import { WebSocketTransport, type WebSocketUse } from "./_transport.ts";

/** The part of WebSocketStream, as in Chromium and Deno, that is used. */
export interface WebSocketStreamLike {
  readonly opened: Promise<{
    readonly readable: ReadableStream<unknown>;
    readonly writable: WritableStream<Uint8Array>;
    readonly protocol: string;
  }>;
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  close(info?: { closeCode?: number; reason?: string }): void;
}

/** The constructor, where there is one. */
export type WebSocketStreamClass = new (
  url: string,
  options: { protocols: string[]; signal?: AbortSignal },
) => WebSocketStreamLike;

type Opened = Awaited<WebSocketStreamLike["opened"]>;

/** A WebSocket with backpressure in both directions. */
export class StreamTransport extends WebSocketTransport {
  protected override readonly holds = true;
  readonly #socket: WebSocketStreamLike;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #paused = true;
  #reading = false;

  constructor(socket: WebSocketStreamLike, { readable, writable }: Opened, use: WebSocketUse) {
    super(use);
    this.#socket = socket;
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  #read(): void {
    this.#reading = true;
    // Everything that has arrived is passed on before the close is reported.
    this.#reader.read().then(this.#onRead, () => this.#tellClose());
  }

  readonly #onRead = ({ done, value }: ReadableStreamReadResult<unknown>) => {
    if (done) return void this.#tellClose();
    this.#reading = false;
    this.received(value);
    if (!this.#paused && !this.#reading) this.#read();
  };

  async #tellClose(): Promise<void> {
    try {
      const { closeCode = 1005, reason = "" } = await this.#socket.closed;
      this.closed(closeCode, reason);
    } catch (error) {
      this.closed(1006, "", error);
    }
  }

  protected override sendMessage(bytes: Uint8Array): boolean {
    // A copy, since the browser may still use it after the write has settled.
    this.#writer.write(new Uint8Array(bytes)).then(this.#onSent, this.#onNotSent);
    return false;
  }

  readonly #onSent = () => this.sent();

  readonly #onNotSent = (cause: unknown) => {
    if (this.gone) return;
    this.fail(new TransportError("reset", "The WebSocket was closed while sending", { cause }));
  };

  protected override close(code: number, reason: string): void {
    try {
      this.#socket.close({ closeCode: code, reason });
    } catch {
      // As with a WebSocket: only 1000 and application codes are allowed.
      this.#socket.close({ closeCode: code % 1000 + 4000, reason });
    }
  }

  protected override kill(): void {
    this.close(4000, "aborted");
  }

  protected override setPaused(paused: boolean): void {
    this.#paused = paused;
    if (!paused && !this.#reading) this.#read();
  }
}
