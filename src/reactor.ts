import type { CloseReason } from "./close_reason.ts";

/**
 * What a reactor returns for a message. Returning nothing means `continue`. `disconnect`
 * closes the connection in order: no further message is delivered, and what is queued is
 * sent.
 */
export type ReactorStatus = "continue" | "disconnect" | void;

/**
 * Your code, which handles a connection's messages.
 *
 * A reactor belongs to one connection and lives as long as it does. Messages are handled
 * one at a time. If a callback throws, the connection ends with the code `reactor`.
 */
export interface Reactor<Inbound, Outbound = Inbound, Logical = Outbound> {
  /**
   * Handles one message, straight from the decoder; there is no queue in between.
   *
   * If it returns a promise, nothing more is read until the promise settles, and the
   * transport's backpressure stops a peer that keeps sending. So a slow reactor does not
   * make memory grow.
   */
  onInboundMessage(message: Inbound): ReactorStatus | Promise<ReactorStatus>;

  /**
   * Converts a message that was passed to the {@linkcode Sender} into one for the encoder,
   * just before it is encoded: the place to assign ids, register calls or translate types.
   * Without it, messages are encoded as they were sent.
   */
  onOutboundMessage?(logical: Logical): Outbound;

  /**
   * Produces messages on demand. It is called after the Sender's queue has been taken,
   * and only while there is room to send, so a peer that stops reading also stops the work
   * that produces for it. If it leaves part of the budget unused, it is not called again
   * until {@linkcode Sender.wake}.
   */
  pullOutbound?(budget: SendBudget<Outbound>): void;

  /**
   * Called with a message that could not be encoded. It is left out, and the connection
   * continues. Without this callback, the connection ends with the code `encoder`.
   */
  onEncodeError?(error: unknown, message: Outbound): void;

  /**
   * Called when the peer has ended its direction. What is queued is still sent, and so is
   * everything sent until the returned promise settles; then the connection closes, within
   * `drainTimeout`.
   */
  onInboundEnd?(): void | Promise<void>;

  /**
   * Called by {@linkcode Connection.drain}: accept no new work, and let work in progress
   * finish. The connection stays open until the returned promise settles, then closes in
   * order. `signal` fires when the timeout has passed: cancel what is left, and send at
   * once whatever the peer must be told about it.
   */
  onDrain?(signal: AbortSignal): void | Promise<void>;

  /** Called once, as the last callback, with how the connection ended. */
  onClose?(reason: CloseReason): void;
}

/** How much a reactor may send now, in {@linkcode Reactor.pullOutbound}. */
export interface SendBudget<Outbound> {
  /** How many more messages may be sent in this call. */
  readonly remaining: number;
  /** Sends a message. Throws a `RangeError` if nothing remains. */
  send(message: Outbound): void;
}
