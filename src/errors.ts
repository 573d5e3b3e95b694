import { because } from "./reason.ts";
import type { SocketAddress } from "./socket_address.ts";

/**
 * Why a {@linkcode Connection} ended, or why a message could not be sent on it.
 *
 * - `closed`: a send on a connection that has ended or is closing; it was not sent.
 * - `aborted`: {@linkcode Connection.abort} was called; its reason is the `cause`.
 * - `invalid-message`: the decoder found bytes that are not a message, or a reactor threw an
 *   error of this code for a message that no peer may send.
 * - `message-too-large`: an inbound message is longer than `maxBufferLength`.
 * - `truncated`: the peer ended in the middle of a message.
 * - `decoder`: the decoder threw, or broke the contract of {@linkcode Decoder}.
 * - `encoder`: the encoder threw, and the reactor has no `onEncodeError`.
 * - `reactor`: a callback of the reactor threw or rejected.
 * - `drain-timeout`: an orderly close took longer than `drainTimeout`: what was queued
 *   could not be sent, or the reactor did not finish.
 * - `idle-timeout`: the peer has sent nothing for `idleTimeout`.
 * - `message-timeout`: the peer has not begun its first message within
 *   `firstMessageTimeout`, or not finished a message within `messageTimeout`.
 * - `write-timeout`: the peer has not read what was written within `writeTimeout`.
 * - `too-many-connections`: a server refused a connection, because `maxConnections` or
 *   `maxConnectionsPerAddress` was reached.
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
  | "write-timeout"
  | "too-many-connections";

/** An error of the connection layer: the codec, the reactor, the sender, a timeout or a limit. */
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
 * Why the transport failed. The codes are the same on every runtime; the platform's
 * own error is the `cause`.
 *
 * - `refused`: nothing listens at that address.
 * - `reset`: the peer or the network broke the connection.
 * - `unreachable`: no route to that host or network.
 * - `not-found`: the host name or the path of the socket does not exist.
 * - `address-in-use`: another listener has that address.
 * - `address-unavailable`: the address does not belong to this machine.
 * - `denied`: the operating system or the runtime does not permit it.
 * - `timed-out`: the peer did not answer in time.
 * - `tls`: the handshake failed: the peer does not speak TLS (it may just hang up) or no compatible
 * version of it, or one end rejected the other's certificate or the name in it.
 * - `proxy-header`: a connection to a listener with `proxyProtocol` did not begin with a header
 *   that is to be believed.
 * - `aborted`: the caller's `AbortSignal` fired, or this end aborted the connection; the
 *   reason is the `cause`.
 * - `closed`: this end has already been closed.
 * - `unsupported`: the runtime cannot honour an option.
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
  | "proxy-header"
  | "aborted"
  | "closed"
  | "unsupported"
  | "other";

/** An error of the transport below a connection: connecting, listening, reading, writing. */
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

/** Wraps what a callback of a reactor threw, unless that says that the peer is at fault. */
export function reactorThrew(cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError && cause.code === "invalid-message") return cause;
  return userCode("reactor", "The reactor threw", cause);
}

/** The error for what a reactor or a codec threw, which may be anything. */
export function userCode(code: ConnectionErrorCode, what: string, cause: unknown): ConnectionError {
  return new ConnectionError(code, because(what, cause), { cause });
}

/** The error of both streams after an abort by this end; `reason` is the caller's. */
export function brokenOff(reason: unknown): TransportError {
  return new TransportError("aborted", "The connection was broken off by this end", {
    cause: reason,
  });
}

/** The error of a connection whose transport has failed with this. */
export function failureOf(error: unknown): ConnectionError | TransportError {
  if (error instanceof ConnectionError || error instanceof TransportError) return error;
  return new TransportError("other", because("The transport failed", error), { cause: error });
}
