/**
 * A pair of byte streams to and from a peer. A TCP socket, a TLS session, a WebSocket or
 * an in-memory pair can be one; the core knows transports only in this form.
 *
 * What an implementation guarantees:
 *
 * - **Ownership.** A chunk read from `readable` belongs to the reader: its memory is never
 *   written again, so views of it stay valid. A chunk passed to `writable` belongs to the
 *   transport until its write settles; the writer must not change it before then.
 * - **Backpressure.** A write settles once the transport has taken the bytes. While nobody
 *   reads, `readable` buffers no more than its high-water mark.
 * - **The peer's end.** `readable` closes when the peer has finished sending, after
 *   everything that it sent; `writable` keeps working (half-close).
 * - **Our end.** `writable.close()` tells the peer that no more will come, after everything
 *   that was written; `readable` keeps working (half-close).
 * - **Abort.** `writable.abort(reason)` ends both directions at once, even while a write
 *   is waiting. Unsent bytes are dropped.
 * - **Loss.** If the transport breaks, both streams error with a
 *   {@linkcode TransportError}.
 */
export interface Duplex {
  /** The bytes that the peer sends, in order, in chunks of any size. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes the bytes to send to the peer. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Whether the transport keeps no reference to a chunk once its write has succeeded, as
   * with a socket, whose bytes the kernel has copied. The connection then reuses the memory
   * for later messages. Leave it `false` where chunks are passed on by reference.
   *
   * @default {false}
   */
  readonly returnsBuffers?: boolean;
}

/** The address of a socket: a TCP address, or the path of a Unix socket. */
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
    /** The path in the file system; empty for a peer that is not bound to one. */
    readonly path: string;
  };

/** A {@linkcode Duplex} over a socket that was accepted by a {@linkcode Listener}, or connected. */
export interface SocketDuplex extends Duplex {
  /** The peer's address, if the transport knows it. */
  readonly remoteAddress?: SocketAddress;
  /** The application protocol negotiated in the TLS handshake (ALPN), if any. */
  readonly alpnProtocol?: string;
}
