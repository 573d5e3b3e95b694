/**
 * Sends messages on a {@linkcode Connection}. Any number of holders may share it;
 * the messages of each leave in the order in which it sent them, and all that is
 * sent in one turn of the event loop leaves in one write.
 *
 * A message belongs to the connection from the moment it is sent: do not change it
 * afterwards.
 */
export interface Sender<Logical> {
  /** How many messages wait to be encoded; at most `maxQueuedMessages`. */
  readonly queued: number;

  /**
   * Sends a message. While the queue is full it waits, behind those that already
   * wait; it resolves once the message is in the queue.
   *
   * Rejects with a {@linkcode ConnectionError} of code `closed` if the connection
   * has ended or is ending, and with the reason of `signal` if that fires first; in
   * both cases the message will not be sent.
   */
  send(message: Logical, options?: SendOptions): Promise<void>;

  /**
   * Sends a message if there is room for it; `false` if there is none. Throws a
   * {@linkcode ConnectionError} of code `closed` if the connection has ended or is
   * ending.
   */
  trySend(message: Logical): boolean;

  /** Tells the connection that its reactor's `pullOutbound` has something again. */
  wake(): void;
}

/** Options of {@linkcode Sender.send}. */
export interface SendOptions {
  /** Gives up waiting for room. A message that is already queued stays. */
  readonly signal?: AbortSignal;
}
