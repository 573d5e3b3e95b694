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

/** A {@linkcode Listener} of sockets, with TLS or without. */
export interface SocketListener extends Listener {
  /**
   * Takes another certificate, such as the renewed one, for handshakes that begin from now on;
   * connections stay open. Throws a `TypeError` for one that cannot be used, after which the
   * listener goes on with the one that it has, and if the listener has no TLS.
   */
  setCertificate(certificate: ServerCertificate): void;
}

/** The certificate of a server. */
export interface ServerCertificate {
  /** The certificate in PEM, followed by its intermediates. */
  readonly cert: string;
  /** The private key of `cert` in PEM, unencrypted. */
  readonly key: string;
}
