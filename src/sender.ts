/**
 * Sends messages on a {@linkcode Connection}: a bounded outbound queue. Any number of
 * callers may share it. Messages leave in the order in which they were sent, and those
 * sent in one turn of the event loop leave in one write.
 *
 * A message belongs to the connection once it is sent: do not change it afterwards.
 */
export interface Sender<Logical> {
  /** How many messages are waiting to be encoded; at most `maxQueuedMessages`. */
  readonly queued: number;

  /**
   * Sends a message; resolves once it is in the queue, which does not mean that it has been
   * encoded, or that the peer has received it: a buffer that is filled again needs a copy each
   * time. While the queue is full, senders wait in order.
   *
   * Rejects with a {@linkcode ConnectionError} of code `closed` if the connection has ended
   * or is closing, and with the reason of `signal` if that fires first. In both cases the
   * message is not sent.
   */
  send(message: Logical, options?: SendOptions): Promise<void>;

  /**
   * Sends a message if the queue has room and returns `true`, otherwise returns `false`.
   * Throws a {@linkcode ConnectionError} of code `closed` if the connection has ended or is
   * closing.
   */
  trySend(message: Logical): boolean;

  /** Tells the connection that the reactor's `pullOutbound` has something to send again. */
  wake(): void;

  /**
   * Calls the reactor's `pullOutbound` at once instead of at the end of the turn, if there
   * is room; returns whether there is still room afterwards. So something that produces
   * messages on its own can stop when no more of them can be encoded. Nothing happens in a
   * call from within `pullOutbound`, or another callback that is called while messages are encoded.
   */
  pull(): boolean;
}

/** Options of {@linkcode Sender.send}. */
export interface SendOptions {
  /** Stops waiting for room. A message that is already queued is still sent. */
  readonly signal?: AbortSignal;
}
