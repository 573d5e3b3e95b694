import type { TransportError } from "../errors.ts";
import type { SocketAddress } from "../socket_address.ts";
import type { PeerCertificate, ProxyInfo, UpgradeInfo } from "./peer.ts";

export type { PeerCertificate, ProxyInfo, ProxyTlv, UpgradeInfo } from "./peer.ts";
export type { SocketAddress } from "../socket_address.ts";

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
   * Throws a `TypeError` if it has been called before, if one of the streams is locked, or
   * if they have been used in a way that cannot be taken over: a write of theirs is under
   * way, or one of them has ended. The transport starts paused: the first bytes come after
   * {@linkcode Transport.resume}. If it broke before, {@linkcode Receiver.onLost} follows.
   */
  attach?(receiver: Receiver): Transport;
}

/**
 * What the owner of a duplex's synchronous face is told. Nothing of it is called from within
 * a method of {@linkcode Transport}, nor after {@linkcode Transport.abort} or
 * {@linkcode Receiver.onLost}. From within it, everything of the transport may be called.
 * What it throws is a bug.
 */
export interface Receiver {
  /**
   * Bytes have arrived, at least one. The memory belongs to the receiver: it is never
   * written again. Not called while the transport is paused.
   */
  onBytes(bytes: Uint8Array): void;
  /** The peer has finished sending, after all bytes. Not called while paused either. */
  onEnd(): void;
  /** What {@linkcode Transport.write} or `end` answered `false` to has been taken. */
  onDrain(): void;
  /**
   * The transport broke, so both directions are over. Called at most once, also while
   * paused. What had arrived and was not handed over is dropped, as it is with the streams.
   */
  onLost(error: TransportError): void;
}

/** The sending half of a duplex's synchronous face, and what controls its receiving half. */
export interface Transport {
  /**
   * Writes bytes, at least one. Returns `true` if the transport has taken them: more may be
   * written at once, and where the duplex {@linkcode Duplex.returnsBuffers}, their memory is
   * the caller's again. Otherwise the transport keeps them, and `onDrain` is called, from a
   * later stack, once it has taken them; until then neither `write` nor `end` may be called.
   * So that one busy writer does not keep timers and other sockets waiting, `false` is also
   * the answer to every 16th write in a row. If the transport has broken, it returns
   * `false`, and `onLost` follows or has been called.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Ends our direction, after everything that was written. Returns as {@linkcode write} does.
   * To be called once; only `abort`, `pause` and `resume` may follow.
   */
  end(): boolean;
  /** Bytes of the last write that have not been handed on yet, as far as is known. */
  readonly unsent: number;
  /** Stops the calls of `onBytes` and `onEnd`, and thereby the peer. May be called again. */
  pause(): void;
  /** Resumes them. May be called again. */
  resume(): void;
  /**
   * Ends both directions at once; unsent bytes are dropped. Nothing is called back after it.
   * May be called again, and changes nothing once both directions have ended.
   */
  abort(reason?: unknown): void;
}

/** A {@linkcode Duplex} over a socket that was accepted by a {@linkcode Listener}, or connected. */
export interface SocketDuplex extends Duplex {
  /**
   * The peer's address, if the transport knows it. Behind a proxy that speaks the PROXY
   * protocol it is the client's, as the proxy says, if the listener has `proxyProtocol`.
   */
  readonly remoteAddress?: SocketAddress;
  /** What else the proxy said, if the listener has `proxyProtocol`. */
  readonly proxy?: ProxyInfo;
  /**
   * Of a connection that was accepted with `clientCaCerts`: the client's certificate, which one
   * of those has signed.
   */
  readonly peerCertificate?: PeerCertificate;
  /** Of an accepted WebSocket: the request that it was. */
  readonly request?: UpgradeInfo;
  /** The application protocol negotiated in the TLS handshake (ALPN), if any. */
  readonly alpnProtocol?: string;
}
