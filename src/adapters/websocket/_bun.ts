import { TransportError } from "../../errors.ts";
import { WebSocketTransport, type WebSocketUse } from "./_transport.ts";

/** The part of Bun's ServerWebSocket that is used. */
export interface BunWebSocket {
  binaryType: string;
  /** Returns the bytes sent, -1 if they wait for a drain, or 0 if they were dropped. */
  send(bytes: Uint8Array): number;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** How many sends in a row may succeed at once before yielding to the event loop. */
const SENDS_A_TURN = 16;
/** The wait ends with a drain or the close; this is only how often the state is rechecked. */
const A_MINUTE = 60_000;

/** A WebSocket of Bun's server, which reports when it has room (`drain`). */
export class BunTransport extends WebSocketTransport {
  readonly #socket: BunWebSocket;
  #sends = 0;
  #full = false;
  #onDrain: () => void = () => {};

  constructor(socket: BunWebSocket, use: WebSocketUse) {
    super(use);
    this.#socket = socket;
    socket.binaryType = "uint8array";
  }

  /** What was buffered has been sent. */
  onDrain(): void {
    this.#full = false;
    this.wake();
  }

  protected override send(bytes: Uint8Array): void | Promise<void> {
    const sent = this.#socket.send(bytes);
    if (sent === 0 && bytes.length > 0) {
      throw new TransportError("reset", "The WebSocket was closed while sending");
    }
    if (sent < 0) return this.#drained();
    if (++this.#sends < SENDS_A_TURN) return;
    this.#sends = 0;
    return this.changed(0);
  }

  async #drained(): Promise<void> {
    this.#full = true;
    while (this.#full && !this.gone) await this.changed(A_MINUTE);
  }

  protected override close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  protected override kill(): void {
    this.#socket.terminate();
  }
}
