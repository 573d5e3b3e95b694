import type { CloseReason } from "./close_reason.ts";

/**
 * What a reactor answers to a message. Nothing means `continue`. `disconnect` ends
 * the connection in order: no message after this one is delivered, what is queued
 * is sent.
 */
export type ReactorStatus = "continue" | "disconnect" | void;

/**
 * What a program does with a connection's messages.
 *
 * A reactor and its connection share their fate: when one ends, so does the other.
 * Its callbacks are called one at a time. If one throws, the connection ends with
 * the code `reactor`.
 */
export interface Reactor<Inbound, Outbound = Inbound, Logical = Outbound> {
  /**
   * Takes one message, straight from the decoder; there is no queue between.
   *
   * If it returns a promise, nothing more is read until that settles, and a peer
   * that goes on sending is stopped by the transport. So a reactor that cannot keep
   * up costs no memory.
   */
  onInboundMessage(message: Inbound): ReactorStatus | Promise<ReactorStatus>;

  /**
   * Turns what was given to the {@linkcode Sender} into the message for the wire,
   * just before it is encoded: one place to stamp, register or translate. Without
   * it, both are the same.
   */
  onOutboundMessage?(logical: Logical): Outbound;

  /**
   * Adds messages of the reactor's own. It is asked after the queue of the Sender,
   * only while there is room to send; so a peer that stops reading stops the work
   * that produces for it. Once it has left some of the budget unused, it is asked
   * again after {@linkcode Sender.wake}.
   */
  pullOutbound?(budget: SendBudget<Outbound>): void;

  /**
   * Hears of a message that could not be encoded. It has been left out, and the
   * connection goes on. Without this, the connection ends with the code `encoder`.
   */
  onEncodeError?(error: unknown, message: Outbound): void;

  /**
   * Hears that the peer has ended its side. What is queued is still sent, and all
   * that is sent until the returned promise settles; then the connection ends.
   */
  onInboundEnd?(): void | Promise<void>;

  /**
   * Hears that this end wants to finish ({@linkcode Connection.drain}): take on no new
   * work and let what is under way come to its end. The connection goes on until the
   * returned promise settles, and then closes in order. `signal` fires when the time
   * is up: give the rest up, and send at once what there is to say about it.
   */
  onDrain?(signal: AbortSignal): void | Promise<void>;

  /** Hears, once and last, how the connection ended. */
  onClose?(reason: CloseReason): void;
}

/** How much a reactor may send now, in {@linkcode Reactor.pullOutbound}. */
export interface SendBudget<Outbound> {
  /** How many more messages there is room for. */
  readonly remaining: number;
  /** Sends one. Throws a `RangeError` when nothing remains. */
  send(message: Outbound): void;
}
