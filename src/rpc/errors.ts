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

/** An error of one rpc. */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** What went wrong, for a program to act on. */
  readonly code: RpcErrorCode;
  /** The rpc's id on its connection, if it had got one. */
  readonly id: RpcId | undefined;
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
    options?: ErrorOptions & { readonly id?: RpcId; readonly sent?: boolean },
  ) {
    super(message, options);
    this.code = code;
    this.id = options?.id;
    this.sent = options?.sent;
  }
}

/** The error for an rpc whose connection ended, for `cause` or in order. */
export function connectionClosed(
  { id, cause, sent }: { id?: RpcId; cause?: unknown; sent?: boolean },
): RpcError {
  // Without a cause the error is to have none, and not one that is undefined.
  const options = cause === undefined ? { id, sent } : { id, sent, cause };
  return new RpcError("connection-closed", "The connection is closed", options);
}
