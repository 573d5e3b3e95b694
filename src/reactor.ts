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
 * one at a time. If a callback throws, the connection ends with the code `reactor`, or, if it
 * throws a `ConnectionError` of code `invalid-message`, with that: the peer's fault.
 */
export interface Reactor<Inbound, Outbound = Inbound, Logical = Outbound> {
  /**
   * Handles one message, straight from the decoder; there is no queue in between. `bytes` is
   * its size on the wire, including its framing.
   *
   * If it returns a promise, nothing more is read until the promise settles, and the
   * transport's backpressure stops a peer that keeps sending. So a slow reactor does not
   * make memory grow.
   */
  onInboundMessage(message: Inbound, bytes: number): ReactorStatus | Promise<ReactorStatus>;

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
   * How many messages it holds that wait for {@linkcode pullOutbound}, or a function that tells;
   * counts towards `maxPipelinedBytes`.
   *
   * @default {0}
   */
  readonly pending?: number | (() => number);

  /**
   * How much work it has begun and not finished, such as RPCs, or a function that tells; for those
   * who look at a server.
   *
   * @default {0}
   */
  readonly inFlight?: number | (() => number);

  /**
   * Called with a message that could not be encoded, or is longer than `maxOutboundLength`,
   * before the call that sent it returns. It is left out, and the connection continues.
   * Without this callback, the connection ends with that error.
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

  /**
   * Called once when the connection begins to close in order: no message will be delivered
   * any more. Leave what is endless, and send what the peer must still be told: after this,
   * {@linkcode pullOutbound} is called until it leaves part of its budget unused.
   */
  onClosing?(): void;

  /** Called once, as the last callback, with how the connection ended. */
  onClose?(reason: CloseReason): void;
}

/** How much a reactor may send now, in {@linkcode Reactor.pullOutbound}. */
export interface SendBudget<Outbound> {
  /** How many more messages may be sent in this call; 0 once their bytes are enough. */
  readonly remaining: number;
  /**
   * Encodes a message at once, behind those sent before it, and returns how many bytes it
   * takes: 0 if it cannot be encoded, which `onEncodeError` has then been told. The message
   * is not needed any more when it returns. Throws a `RangeError` if nothing remains.
   */
  send(message: Outbound): number;
}
