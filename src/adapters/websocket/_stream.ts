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

/** How many sends in a row may succeed at once before yielding to the event loop. */
const SENDS_A_TURN = 16;

/** A WebSocket with backpressure in both directions. */
export class StreamTransport extends WebSocketTransport {
  protected override readonly holds = true;
  readonly #socket: WebSocketStreamLike;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #held = false;
  #sends = 0;
  #go: () => void = () => {};

  constructor(socket: WebSocketStreamLike, { readable, writable }: Opened, use: WebSocketUse) {
    super(use);
    this.#socket = socket;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
    // Everything that has arrived is passed on before the close is reported.
    this.#read(readable.getReader()).catch(() => {}).then(() => this.#tellClose());
  }

  async #read(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.received(value);
      while (this.#held) await new Promise<void>((resolve) => this.#go = resolve);
    }
  }

  async #tellClose(): Promise<void> {
    try {
      const { closeCode = 1005, reason = "" } = await this.#socket.closed;
      this.closed(closeCode, reason);
    } catch (error) {
      this.closed(1006, "", error);
    }
  }

  protected override async send(bytes: Uint8Array): Promise<void> {
    // A copy, since the browser may still use it after the write has settled.
    const sent = this.#writer.write(bytes.slice()).catch((cause) => {
      throw new TransportError("reset", "The WebSocket was closed while sending", { cause });
    });
    // A write that waits for the peer ends when the WebSocket does.
    await Promise.race([sent, this.changed()]);
    // Between two sends there may be only microtasks, which would starve timers.
    if (++this.#sends < SENDS_A_TURN) return;
    this.#sends = 0;
    await this.changed(0);
  }

  protected override close(code: number, reason: string): void {
    try {
      this.#socket.close({ closeCode: code, reason });
    } catch {
      // As with a WebSocket: only 1000 and application codes are allowed.
      this.#socket.close({ closeCode: code % 1000 + 4000, reason });
    }
  }

  protected override kill(): void {
    // The peer's reply to the close comes after what it has sent.
    this.hold(false);
    this.close(4000, "aborted");
  }

  protected override hold(hold: boolean): void {
    this.#held = hold;
    if (!hold) this.#go();
  }
}
