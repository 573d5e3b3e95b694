import type { SocketAddress, SocketDuplex } from "./duplex.ts";

/**
 * Accepts connections: an async iterable of {@linkcode SocketDuplex}.
 *
 * Iteration ends when the listener is closed, and throws a {@linkcode TransportError} if
 * the listener fails. A connection that cannot be accepted does not end it. Only one loop
 * may run at a time; leaving the loop does not close the listener.
 */
export interface Listener extends AsyncIterable<SocketDuplex>, AsyncDisposable {
  /** Where it listens; if port 0 was requested, with the port that was assigned. */
  readonly address: SocketAddress;
  /**
   * Stops accepting. Accepted connections stay open; those not yet taken from the iteration
   * are aborted. May be called again.
   */
  close(): Promise<void>;
}
