import type { SocketAddress } from "./duplex.ts";

/**
 * Why a {@linkcode Connection} ended, or why a message could not be sent on it.
 *
 * - `closed`: the connection has ended or is ending in order; nothing more is sent.
 * - `aborted`: {@linkcode Connection.abort} was called, with its reason as the cause.
 * - `invalid-message`: the decoder found bytes that are no message.
 * - `message-too-large`: a message is announced, or has grown, beyond `maxBufferLength`.
 * - `truncated`: the peer ended its side in the middle of a message.
 * - `decoder`: the decoder threw, or broke the contract of {@linkcode Decoder}.
 * - `encoder`: the encoder threw, and the reactor has no `onEncodeError`.
 * - `reactor`: a callback of the reactor threw or rejected.
 * - `drain-timeout`: an orderly end took longer than `drainTimeout`: what was queued
 *   could not be sent, or a reactor was not done.
 * - `idle-timeout`: the peer has sent nothing for `idleTimeout`.
 * - `message-timeout`: the peer has not begun its first message within
 *   `firstMessageTimeout`, or not finished a message within `messageTimeout`.
 * - `too-many-connections`: a server has as many as `maxConnections`, or as
 *   `maxConnectionsPerAddress`, and has refused another.
 */
export type ConnectionErrorCode =
  | "closed"
  | "aborted"
  | "invalid-message"
  | "message-too-large"
  | "truncated"
  | "decoder"
  | "encoder"
  | "reactor"
  | "drain-timeout"
  | "idle-timeout"
  | "message-timeout"
  | "too-many-connections";

/** An error of the connection layer: codec, reactor, sender, end of life. */
export class ConnectionError extends Error {
  /** Always `"ConnectionError"`. */
  override readonly name = "ConnectionError";
  /** What went wrong, for a program to act on. */
  readonly code: ConnectionErrorCode;
  /** The other end's address, on the errors of a connection, where it is known. */
  remoteAddress?: SocketAddress;

  /** Makes an error with a code, a sentence for people, and what caused it. */
  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What a transport could not do. The same code on every runtime; the platform's
 * own error is the `cause`.
 *
 * - `refused`: nobody listens at that address.
 * - `reset`: the other end, or the network, broke the connection.
 * - `unreachable`: no route to that host or network.
 * - `not-found`: the host name or the path of the socket does not exist.
 * - `address-in-use`: another listener has that address.
 * - `address-unavailable`: the address is not one of this machine.
 * - `denied`: the operating system or the runtime does not permit it.
 * - `timed-out`: the other end did not answer in time.
 * - `tls`: the other end does not speak TLS, or not one that suits; or one end does not
 *   accept the certificate of the other, or the name in it.
 * - `aborted`: the caller's `AbortSignal` fired; its reason is the `cause`.
 * - `closed`: this end has already been closed.
 * - `unsupported`: the runtime cannot honour an option.
 * - `invalid-option`: an option has a value that makes no sense.
 * - `other`: anything else; look at the `cause`.
 */
export type TransportErrorCode =
  | "refused"
  | "reset"
  | "unreachable"
  | "not-found"
  | "address-in-use"
  | "address-unavailable"
  | "denied"
  | "timed-out"
  | "tls"
  | "aborted"
  | "closed"
  | "unsupported"
  | "invalid-option"
  | "other";

/** An error of the transport below a connection: connecting, listening, bytes. */
export class TransportError extends Error {
  /** Always `"TransportError"`. */
  override readonly name = "TransportError";
  /** What went wrong, for a program to act on. */
  readonly code: TransportErrorCode;
  /** The other end's address, on the errors of a connection, where it is known. */
  remoteAddress?: SocketAddress;

  /** Makes an error with a code, a sentence for people, and what caused it. */
  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Wraps what a callback of a reactor threw. */
export function reactorThrew(cause: unknown): ConnectionError {
  return new ConnectionError("reactor", "The reactor threw", { cause });
}
