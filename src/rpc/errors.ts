import type { RpcId } from "./message.ts";

/**
 * Why an rpc came to nothing.
 *
 * - `cancelled`: the other end cancelled it: a server that refuses a request or
 *   whose handler failed, or, in a handler's signal, a client that has lost interest.
 * - `connection-closed`: the connection ended first; the `cause` tells how, if it
 *   was not in order. Whether the server saw the request is not known.
 * - `deadline-exceeded`: its `timeout` passed first.
 * - `encode-failed`: the message could not be encoded; the `cause` says why. Nothing
 *   was sent.
 */
export type RpcErrorCode =
  | "cancelled"
  | "connection-closed"
  | "deadline-exceeded"
  | "encode-failed";

/** An error of one rpc. */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** What went wrong, for a program to act on. */
  readonly code: RpcErrorCode;
  /** The rpc's id on its connection, if it had got one. */
  readonly id: RpcId | undefined;

  /** Makes an error with a code, a sentence for people, and which rpc it is about. */
  constructor(
    code: RpcErrorCode,
    message: string,
    options?: ErrorOptions & { readonly id?: RpcId },
  ) {
    super(message, options);
    this.code = code;
    this.id = options?.id;
  }
}

/** The error for an rpc whose connection ended, for `cause` or in order. */
export function connectionClosed(id: RpcId | undefined, cause: unknown): RpcError {
  // Without a cause the error is to have none, and not one that is undefined.
  const options = cause === undefined ? { id } : { id, cause };
  return new RpcError("connection-closed", "The connection is closed", options);
}
