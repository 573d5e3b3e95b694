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

/** A WebSocket of Bun's server, which reports when it has room (`drain`). */
export class BunTransport extends WebSocketTransport {
  readonly #socket: BunWebSocket;
  #full = false;

  constructor(socket: BunWebSocket, use: WebSocketUse) {
    super(use);
    this.#socket = socket;
    socket.binaryType = "uint8array";
  }

  /** What was buffered has been sent. */
  onDrain(): void {
    if (!this.#full) return;
    this.#full = false;
    this.sent();
  }

  protected override sendMessage(bytes: Uint8Array): boolean {
    const sent = this.#socket.send(bytes);
    this.#full = sent < 0;
    if (sent > 0 || (sent === 0 && bytes.length === 0)) return true;
    if (sent === 0) {
      this.fail(new TransportError("reset", "The WebSocket was closed while sending"));
    }
    return false;
  }

  protected override close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  protected override kill(): void {
    this.#socket.terminate();
  }
}
