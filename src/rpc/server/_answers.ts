import type { RpcAnswer, RpcResult } from "./handler.ts";

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
