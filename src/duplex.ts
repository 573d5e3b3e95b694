import type { TransportError } from "./errors.ts";

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
  /**
   * The synchronous face of the duplex, if it has one: bytes are taken and handed over by
   * plain calls, in the turn of the event loop in which they arrive, with no promise in
   * between. A {@linkcode Connection} uses it where there is one. All that is said of the
   * streams holds for it too.
   *
   * Whoever calls it owns the duplex: `readable` and `writable` are locked from then on.
   * Throws a `TypeError` if it has been called before, or if one of the streams is locked.
   * The transport starts paused: the first bytes come after {@linkcode Transport.resume}.
   */
  attach?(receiver: Receiver): Transport;
}

/** What the owner of a duplex's synchronous face is told. What it throws is a bug. */
export interface Receiver {
  /**
   * Bytes have arrived, at least one. The memory belongs to the receiver: it is never
   * written again. Not called while the transport is paused, nor from within any method of
   * {@linkcode Transport}.
   */
  onBytes(bytes: Uint8Array): void;
  /** The peer has finished sending, after all bytes. Not called while paused either. */
  onEnd(): void;
  /** What was written or ended last has been taken: more can be written. */
  onDrain(): void;
  /**
   * The transport broke, or was aborted by something other than {@linkcode Transport.abort}.
   * Called at most once, also while paused, and nothing is called after it.
   */
  onLost(error: TransportError): void;
}

/** The sending half of a duplex's synchronous face, and what controls its receiving half. */
export interface Transport {
  /**
   * Writes bytes, at least one. Returns `true` if the transport has taken them; otherwise
   * it keeps them, and `onDrain` is called, from a later stack, once it has taken them. Until
   * then neither {@linkcode write} nor {@linkcode end} may be called. If the transport is
   * already broken, it returns `false`, and `onLost` follows.
   */
  write(bytes: Uint8Array): boolean;
  /** Ends our direction, after everything that was written. Returns as {@linkcode write} does. */
  end(): boolean;
  /** Bytes of the last write that have not been handed on yet, as far as is known. */
  readonly unsent: number;
  /** Stops the calls of `onBytes` and `onEnd`, and thereby the peer. May be called again. */
  pause(): void;
  /** Resumes them. May be called again. */
  resume(): void;
  /** Ends both directions at once; unsent bytes are dropped. Nothing is called back after it. */
  abort(reason?: unknown): void;
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
