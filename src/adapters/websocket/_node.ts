import { setImmediate } from "node:timers";
import { TransportError } from "../../errors.ts";
import { toTransportError } from "../base/_errors.ts";
import { EventTransport, type WebSocketLike } from "./_events.ts";

/** The additional parts of a `ws` WebSocket that are used. */
export interface NodeWebSocket extends WebSocketLike {
  readonly bufferedAmount: number;
  send(data: Uint8Array, onSent?: (error?: Error) => void): void;
}

const OPEN = 1;

/** A WebSocket of `ws`, which reports when bytes have been sent, and does not copy them. */
export class NodeTransport extends EventTransport<NodeWebSocket> {
  protected override readonly holds = true;
  /** How many messages have not called back yet, and whether the last of them is waited for. */
  #unwritten = 0;
  #waits = false;

  protected override later(callback: () => void): void {
    setImmediate(callback);
  }

  protected override sendMessage(bytes: Uint8Array): boolean {
    this.#unwritten++;
    this.socket.send(bytes, this.#onSent);
    // If nothing is left, the system took it all, and the callback is not worth waiting for.
    this.#waits = this.socket.bufferedAmount > 0;
    return !this.#waits;
  }

  // Callbacks come in order, including those of messages that were not waited for.
  readonly #onSent = (error?: Error) => {
    this.#unwritten--;
    if (!this.#waits) return;
    if (error) this.fail(toTransportError("Cannot send", error, "reset"));
    else if (this.#unwritten === 0) setImmediate(this.#surely);
  };

  /** For bytes dropped by a broken socket, Node calls back without an error; the loss shows a turn later. */
  readonly #surely = () => {
    this.#waits = false;
    if (this.gone) return;
    if (this.socket.readyState === OPEN) return this.sent();
    this.fail(new TransportError("reset", "The WebSocket was closed while sending"));
  };
}
