import { type RpcContext, RpcError, type RpcErrorCode } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Message, normal, serverAndPeer, type ServerOptions } from "./rpc.ts";
import { type Deferred, deferred } from "./within.ts";

/** A server with a scripted client, and what the test may do with its rpcs. */
export interface SlowServer extends ReturnType<typeof serverAndPeer> {
  /** To answer each rpc with, by its request's body, or by its id. */
  readonly answers: Map<unknown, Deferred<Message>>;
  /** The handlers' contexts, in the order of the calls. */
  readonly contexts: RpcContext[];
}

/** A server whose rpcs are answered by the test, but for a fence, which it answers at once. */
export function slowServer(options: ServerOptions = {}): SlowServer {
  const answers = new Map<unknown, Deferred<Message>>();
  const contexts: RpcContext[] = [];
  const server = serverAndPeer((request, context) => {
    if (request.body === "fence") return normal(0);
    contexts.push(context);
    const answer = deferred<Message>();
    answers.set(request.body ?? request.id, answer);
    return answer.promise;
  }, options);
  return { ...server, answers, contexts };
}

/** Resolves when a signal fires. */
export function firing(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** The error with which a signal has fired, which must be one of this code. */
export function assertReason(signal: AbortSignal, code: RpcErrorCode): RpcError {
  assert(signal.aborted);
  assertInstanceOf(signal.reason, RpcError);
  assertEquals(signal.reason.code, code);
  return signal.reason;
}
