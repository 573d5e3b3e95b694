import type { SocketAddress } from "../../mod.ts";
import { because } from "../reason.ts";
import type { RpcId } from "./message.ts";

/**
 * Why an RPC failed.
 *
 * - `cancelled`: the peer cancelled it. For a caller: the server refused the request, is
 *   shutting down, or its handler threw. For a handler, as its signal's reason: the client
 *   cancelled the RPC, or this server is shutting down.
 * - `answer-mismatch`: the server's handler answered with a stream where the client expects one
 *   response, or the reverse.
 * - `connection-closed`: the connection, or the pool, ended first; the `cause` says why,
 *   unless it ended in order. The server may have seen the request, unless `sent` is
 *   `false`.
 * - `deadline-exceeded`: its `timeout` passed first.
 * - `encode-failed`: a message could not be encoded, or was longer than `maxOutboundLength`, and
 *   was not sent; see the `cause`.
 * - `stream-overflow`: the reader of a stream is more than `maxBufferedBytes` behind, and the
 *   server, which is not one of this package, does not wait for it.
 * - `unsupported`: the call has a stream of requests, which the server does not take.
 * - `unavailable`: a pool has no connection and cannot make one now; the `cause` is the
 *   error of the last attempt to connect. Or `maxWaitingCalls` are waiting for one. Nothing
 *   was sent. Or the server has more RPCs than its `maxRpcs`, and has not begun this one.
 */
export type RpcErrorCode =
  | "cancelled"
  | "answer-mismatch"
  | "connection-closed"
  | "deadline-exceeded"
  | "encode-failed"
  | "stream-overflow"
  | "unsupported"
  | "unavailable";

/** Details of an {@linkcode RpcError}. */
export interface RpcErrorOptions extends ErrorOptions {
  /** The RPC's id on its connection, if it was assigned one. */
  readonly id?: RpcId | undefined;
  /** The peer's address, if it is known. */
  readonly remoteAddress?: SocketAddress | undefined;
  /** Whether the request may have left this machine; see {@linkcode RpcError.sent}. */
  readonly sent?: boolean | undefined;
}

/**
 * An error of one RPC. On Deno and Node, its stack includes the function that awaited the
 * call; on Bun it does not.
 */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** What went wrong, for a program to act on. */
  readonly code: RpcErrorCode;
  /** The RPC's id on its connection, if it was assigned one. */
  readonly id: RpcId | undefined;
  /** The peer's address, if it is known. */
  readonly remoteAddress: SocketAddress | undefined;
  /**
   * For `connection-closed` and `unavailable` at a client: whether the request may have
   * been sent. `false` guarantees that no server has seen it, so it is safe to retry.
   * `undefined` in all other errors.
   */
  readonly sent: boolean | undefined;

  /** Makes an error from a code, a message, and details of the RPC. */
  constructor(
    code: RpcErrorCode,
    message: string,
    options?: RpcErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.id = options?.id;
    this.remoteAddress = options?.remoteAddress;
    this.sent = options?.sent;
  }
}

/** The error for an RPC whose connection ended, because of `cause` or in order. */
export function connectionClosed(
  options: RpcErrorOptions,
  message: string = because("The connection is closed", options.cause),
): RpcError {
  // Without a cause, the error must have no `cause` property, not an undefined one.
  const { cause, ...others } = options;
  return new RpcError("connection-closed", message, cause === undefined ? others : options);
}

/** The error for a message that cannot be encoded; its text has what the encoder said. */
export function encodeFailed(what: string, options: RpcErrorOptions): RpcError {
  return new RpcError("encode-failed", because(`${what} cannot be sent`, options.cause), options);
}
