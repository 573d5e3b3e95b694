import type { SocketAddress } from "../../mod.ts";
import type { RpcId } from "./message.ts";

/**
 * Why an rpc came to nothing.
 *
 * - `cancelled`: the other end cancelled it: a server that refuses a request or
 *   whose handler failed, or, in a handler's signal, a client that has lost interest.
 * - `connection-closed`: the connection, or the pool, ended first; the `cause` tells
 *   how, if it was not in order. Whether the server saw the request is not known,
 *   unless `sent` is false: then it did not.
 * - `deadline-exceeded`: its `timeout` passed first.
 * - `encode-failed`: the message could not be encoded; the `cause` says why. Nothing
 *   was sent.
 * - `unavailable`: a pool has no connection and cannot make one now; the `cause` is
 *   what the last try to connect failed with. Nothing was sent.
 */
export type RpcErrorCode =
  | "cancelled"
  | "connection-closed"
  | "deadline-exceeded"
  | "encode-failed"
  | "unavailable";

/** What else an {@linkcode RpcError} tells. */
export interface RpcErrorOptions extends ErrorOptions {
  /** The rpc's id on its connection, if it had got one. */
  readonly id?: RpcId | undefined;
  /** The other end's address, where it is known. */
  readonly remoteAddress?: SocketAddress | undefined;
  /** Whether the request may have left this machine; see {@linkcode RpcError.sent}. */
  readonly sent?: boolean | undefined;
}

/**
 * An error of one rpc. On Deno and Node, that of a call which was awaited has the stack of
 * the function that awaited it; Bun does not tell it.
 */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** What went wrong, for a program to act on. */
  readonly code: RpcErrorCode;
  /** The rpc's id on its connection, if it had got one. */
  readonly id: RpcId | undefined;
  /** The other end's address, where it is known. */
  readonly remoteAddress: SocketAddress | undefined;
  /**
   * At a client whose connection was not there or ended: whether the request may have
   * left this machine. `false` says for certain that no server has seen it, so that it
   * can be made again elsewhere. `undefined` in all other errors.
   */
  readonly sent: boolean | undefined;

  /** Makes an error with a code, a sentence for people, and which rpc it is about. */
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

/** The error for an rpc whose connection ended, for `cause` or in order. */
export function connectionClosed(options: RpcErrorOptions): RpcError {
  // Without a cause the error is to have none, and not one that is undefined.
  const { cause, ...others } = options;
  return new RpcError(
    "connection-closed",
    "The connection is closed",
    cause === undefined ? others : options,
  );
}
