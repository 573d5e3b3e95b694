import { TransportError } from "../errors.ts";
import { WebSocketTransport, type WebSocketUse } from "./_websocket_transport.ts";

/** What is used of Bun's ServerWebSocket. */
export interface BunWebSocket {
  binaryType: string;
  /** The bytes sent; -1 if they wait for a drain, 0 if they were dropped. */
  send(bytes: Uint8Array): number;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** How many sends in a row may succeed at once before other work gets its turn. */
const SENDS_A_TURN = 16;
/** Nothing but a drain or the end is waited for; this is only how often one looks. */
const A_MINUTE = 60_000;

/** A WebSocket of Bun's server, which tells when it has room. */
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

  /** What was held has been sent. */
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
