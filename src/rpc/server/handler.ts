import type { RpcId } from "../message.ts";

/** Returned by a handler to refuse a request: the client's call fails with `cancelled`. */
export const refused: unique symbol = Symbol("refused");

/** What a handler may return: an {@linkcode RpcResult}, or a promise of one. */
export type RpcAnswer<Response> =
  | RpcResult<Response>
  | PromiseLike<RpcResult<Response>>;

/** A response, a stream of responses, or {@linkcode refused}. */
export type RpcResult<Response> =
  | Response
  | typeof refused
  | AsyncIterable<Response>
  | IterableIterator<Response>;

/**
 * Handles a request. It returns a response or a promise of one (unary), an iterable of
 * responses (streaming), or {@linkcode refused}.
 *
 * A stream is an async iterable, such as an `async function*` returns, or an iterator, such
 * as a `function*` returns. The latter takes about a third of the time for each item; use
 * it if no item has to be awaited.
 *
 * The request's id is written into each response right before it is encoded. So the same
 * object may answer many requests, also on several connections; but do not change it after you
 * have returned it, as it may not have been sent yet. A stream is iterated only while there is
 * room to send, and the client of this package wants more of it. If a handler throws, its RPC
 * alone is cancelled and `onError` is called. The same happens if it answers with a stream where
 * a client of this package expects one response, or the reverse: both ends get an
 * `answer-mismatch`.
 *
 * A response must not itself be a promise, an async iterable or an iterator.
 */
export type RpcHandler<Request, Response> = (
  request: Request,
  context: RpcContext<Request>,
) => RpcAnswer<Response>;

/** A handler's view of its RPC. */
export interface RpcContext<Request = unknown> {
  /** The RPC's id on its connection. */
  readonly id: RpcId;
  /**
   * Fires when the RPC need not be answered any more: the client cancelled it, one of its
   * responses could not be encoded, a drain's timeout has passed, or the connection ended.
   * Its reason is an {@linkcode RpcError}. What the handler returns afterwards is dropped.
   */
  readonly signal: AbortSignal;
  /** Whether the client expects a stream of responses, if it has said so. */
  readonly expectsStream: boolean | undefined;
  /**
   * The further requests, if the client sends a stream of them (see
   * `StreamingCallOptions.requests`); otherwise it ends at once. The client sends the first when
   * this has been called, and no more of them than `maxBufferedBytes` ahead of the reader. To leave
   * it tells the client to send no more. It ends when the RPC has been answered, and fails when
   * `signal` fires.
   */
  requests(): AsyncIterableIterator<Request, undefined>;
}

export function isPromise<T>(answer: RpcAnswer<T>): answer is PromiseLike<RpcResult<T>> {
  return typeof answer === "object" && answer !== null &&
    typeof (answer as PromiseLike<T>).then === "function";
}

export function isAsyncIterable<T>(answer: RpcAnswer<T>): answer is AsyncIterable<T> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

export function isIterator<T>(answer: RpcAnswer<T>): answer is IterableIterator<T> {
  return typeof answer === "object" && answer !== null && Symbol.iterator in answer &&
    typeof (answer as IterableIterator<T>).next === "function";
}
