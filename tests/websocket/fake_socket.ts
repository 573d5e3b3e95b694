import type { WebSocketLike } from "../../src/adapters/websocket.ts";

/** A WebSocket that a test plays the other end of; as strict as a browser's. */
export class FakeSocket implements WebSocketLike {
  binaryType = "blob";
  readyState = 1;
  bufferedAmount = 0;
  /** What was sent. */
  readonly sent: Uint8Array[] = [];
  /** Codes that were closed with. */
  readonly codes: (number | undefined)[] = [];
  /** Whether `bufferedAmount` grows with what is sent. */
  stuck = false;
  readonly #listeners = new Map<string, ((event: unknown) => void)[]>();

  send(data: Uint8Array): void {
    this.sent.push(data.slice());
    if (this.stuck) this.bufferedAmount += data.length;
  }

  close(code?: number): void {
    if (code !== 1000 && !(code! >= 3000 && code! <= 4999)) throw new Error("InvalidAccessError");
    this.readyState = 2;
    this.codes.push(code);
  }

  addEventListener(type: string, listener: (event: unknown) => void): void {
    this.#listeners.set(type, [...this.#listeners.get(type) ?? [], listener]);
  }

  /** A message comes. */
  message(data: string | Uint8Array): void {
    this.#tell("message", { data: typeof data === "string" ? data : data.slice().buffer });
  }

  /** It has closed. */
  closed(code: number, reason = ""): void {
    this.readyState = 3;
    this.#tell("close", { code, reason });
  }

  #tell(type: string, event: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
