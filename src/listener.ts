import type { SocketAddress, SocketDuplex } from "./duplex.ts";

/**
 * Accepts connections: an async iterable of {@linkcode SocketDuplex}.
 *
 * Iterating ends when the listener is closed and throws a
 * {@linkcode TransportError} if it breaks. A connection that cannot be accepted is
 * no reason to end. One loop at a time; leaving the loop does not close it.
 */
export interface Listener extends AsyncIterable<SocketDuplex>, AsyncDisposable {
  /** Where it listens; with port 0 asked for, the port that was given. */
  readonly address: SocketAddress;
  /**
   * Accepts no more. Connections that were accepted go on; those that nobody took
   * are ended. May be called again.
   */
  close(): Promise<void>;
}
