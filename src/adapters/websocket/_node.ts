import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import { PROBE_INTERVAL } from "../../duplex/duplex_base.ts";
import { TransportError } from "../../errors.ts";
import { toTransportError } from "../base/_errors.ts";
import { Turns } from "../base/_turns.ts";
import { EventTransport, type WebSocketLike } from "./_events.ts";
import type { WebSocketUse } from "./_transport.ts";

/** The additional parts of a `ws` WebSocket that are used. */
export interface NodeWebSocket extends WebSocketLike {
  readonly bufferedAmount: number;
  send(data: Uint8Array, onSent?: (error?: Error) => void): void;
}

const OPEN = 1;
/** For empty writes, which send nothing but fail if the connection is gone. */
const EMPTY = new Uint8Array(0);

/** A WebSocket of `ws`, which reports when bytes have been sent, and does not copy them. */
export class NodeTransport extends EventTransport<NodeWebSocket> {
  protected override readonly holds = true;
  readonly #turns = new Turns();
  readonly #raw: Socket;
  /** Asks whether the peer is still there, while nothing is read. */
  #probing: ReturnType<typeof setInterval> | undefined;

  /** `raw` is the socket below the WebSocket. */
  constructor(socket: NodeWebSocket, use: WebSocketUse, raw: Socket) {
    super(socket, use);
    this.#raw = raw;
  }

  protected override hold(hold: boolean): void {
    super.hold(hold);
    clearInterval(this.#probing);
    if (hold && !this.gone) this.#probing = setInterval(() => this.#probe(), PROBE_INTERVAL);
  }

  #probe(): void {
    const { writable, writableLength } = this.#raw;
    // While a write waits, the system is being asked already.
    if (writable && writableLength === 0) this.#raw.write(EMPTY);
  }

  override closed(code: number, reason: string, error?: unknown): void {
    clearInterval(this.#probing);
    super.closed(code, reason, error);
  }

  protected override send(bytes: Uint8Array): void | Promise<void> {
    let onSent!: (error?: Error) => void;
    const sent = new Promise<void>((resolve, reject) => {
      onSent = (error) =>
        error ? reject(toTransportError("Cannot send", error, "reset")) : resolve();
    });
    this.socket.send(bytes, onSent);
    if (this.socket.bufferedAmount > 0) return this.#surely(sent);
    // The system took it all, and the callback is not worth waiting for.
    sent.catch(() => {});
    return this.#turns.next();
  }

  /** For bytes dropped by a broken socket, Node calls back without an error; the loss shows a turn later. */
  async #surely(sent: Promise<void>): Promise<void> {
    await sent;
    await new Promise((resolve) => void setImmediate(resolve));
    if (this.socket.readyState !== OPEN) {
      throw new TransportError("reset", "The WebSocket was closed while sending");
    }
  }
}
