/**
 * Two byte streams that belong together: what the other end sends, and what is
 * sent to it. A TCP socket, a TLS session, a WebSocket or an in-memory pair can
 * all be one, and the core knows of nothing else.
 *
 * What an implementation promises:
 *
 * - **Ownership.** A chunk read from `readable` belongs to the reader: its memory
 *   is never written again, so views of it stay true. A chunk given to `writable`
 *   may be read by the transport until its write has settled, and the writer does
 *   not change it before then.
 * - **Backpressure.** A write settles when the transport has taken the bytes;
 *   `readable` is not filled beyond its high-water mark while nobody reads.
 * - **The peer's end.** `readable` closes when the other end has finished sending,
 *   after all that it sent; `writable` goes on working (half-close).
 * - **Our end.** `writable.close()` tells the other end that no more will come,
 *   after all that was written; `readable` goes on working.
 * - **Abort.** `writable.abort(reason)` ends both directions at once, even while a
 *   write waits. Unsent bytes are dropped.
 * - **Loss.** If the transport breaks, both streams error with a
 *   {@linkcode TransportError}.
 */
export interface Duplex {
  /** What the other end sends, in order, in chunks of any size. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What is sent to the other end. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Whether nothing refers to the bytes of a write that has succeeded, as with a socket
   * whose system has copied them: their memory is used for the next messages then. Not
   * so where chunks are handed on as they are, as by an in-memory pair.
   *
   * @default {false}
   */
  readonly returnsBuffers?: boolean;
}

/** Where a socket is: a TCP address or the path of a Unix socket. */
export type SocketAddress =
  | {
    /** TCP over IPv4 or IPv6. */
    readonly transport: "tcp";
    /** The numeric address, such as `127.0.0.1` or `::1`. */
    readonly hostname: string;
    /** The port, 1 to 65535. */
    readonly port: number;
  }
  | {
    /** A Unix domain socket. */
    readonly transport: "unix";
    /** The path in the file system; empty for a peer that has bound none. */
    readonly path: string;
  };

/** A {@linkcode Duplex} that a {@linkcode Listener} accepted, or that was dialled. */
export interface SocketDuplex extends Duplex {
  /** The other end's address, where the transport knows it. */
  readonly remoteAddress?: SocketAddress;
  /** The application protocol that the TLS handshake agreed on (ALPN), if it did on any. */
  readonly alpnProtocol?: string;
}
