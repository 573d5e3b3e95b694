import { checkFunction, isObject, shown, wrong } from "../check.ts";
import { caught } from "../user_callback.ts";
import type { ServerContext, ServiceContext } from "./context.ts";

/** A call on its way to the server, or to its handler. */
export interface InterceptedCall<Context extends ServiceContext = ServiceContext> {
  /** What is known of it. */
  readonly context: Context;
  /** The request, or the iterable of requests if the method takes a stream. */
  readonly request: unknown;
}

/**
 * Passes a call on. Resolves with the response, or with an async iterable of responses if the
 * method answers with a stream; rejects with the error of the call.
 */
export type Next<Context extends ServiceContext = ServiceContext> = (
  call: InterceptedCall<Context>,
) => Promise<unknown>;

/**
 * Stands between callers and what answers them, at a client or at a server, for all kinds of
 * methods: `call.context.method.kind` tells which. It may look at the call, change its metadata,
 * pass on another request (`next({ ...call, request })`), answer by itself, fail, or pass the call
 * on more than once. The context stays the same: a copy of it is refused. The first interceptor of
 * a list is the outermost. If one never comes back, the call ends by its deadline, and at a client
 * by its signal.
 *
 * @example Says what was called, and how that ended
 * ```ts
 * import type { Interceptor } from "@protosocket/protosocket/services";
 *
 * const log: Interceptor = (next) => async (call) => {
 *   const { path } = call.context.method;
 *   try {
 *     const answer = await next(call);
 *     console.log(path, "ok");
 *     return answer;
 *   } catch (error) {
 *     console.log(path, error);
 *     throw error;
 *   }
 * };
 * console.log(typeof log); // function
 * ```
 */
export type Interceptor = <Context extends ServiceContext>(next: Next<Context>) => Next<Context>;

/** An {@linkcode Interceptor} for clients only. */
export type ClientInterceptor = (next: Next<ServiceContext>) => Next<ServiceContext>;

/** An {@linkcode Interceptor} for servers only: it knows the peer and the connection. */
export type ServerInterceptor = (next: Next<ServerContext>) => Next<ServerContext>;

/** What a context keeps of a call that interceptors pass on. For use within this library. */
export interface Answered {
  /** Whether the call was answered with more than `undefined`; `undefined` before that. */
  hasAnswer: boolean | undefined;
}

/** Checks what an option `interceptors` is. */
export function checkInterceptors(interceptors: unknown): void {
  if (!Array.isArray(interceptors)) {
    throw wrong(`interceptors must be an array of functions, not ${shown(interceptors)}`);
  }
  interceptors.forEach((one, i) => checkFunction(`interceptors[${i}]`, one));
}

/** Joins interceptors, the first of which is the outermost, with what they stand before. */
export function chain<Context extends ServiceContext>(
  interceptors: readonly ((next: Next<Context>) => Next<Context>)[],
  last: Next<Context>,
): Next<Context> {
  const innermost: Next<Context> = (call) => {
    const isCall = isObject(call) && isObject(call.context);
    // A context has most of what it has from its class.
    if (!isCall || Object.getPrototypeOf(call.context) === Object.prototype) {
      const what = isCall ? "a copy of its context" : shown(call);
      throw wrong(`next() takes the call that an interceptor is given, not ${what}`);
    }
    const answer = last(call).then((answer) => {
      (call.context as Partial<Answered>).hasAnswer = answer !== undefined;
      return answer;
    }, (error) => {
      // One that an interceptor does not wait for must not end the process. Not before it fails:
      // an engine traces whose call has failed as long as only one waits.
      queueMicrotask(() => caught(answer));
      throw error;
    });
    return answer;
  };
  const outermost = interceptors.reduceRight<Next<Context>>((next, interceptor, i) => {
    const made: unknown = interceptor(next);
    if (typeof made === "function") return made as Next<Context>;
    caught(made);
    throw wrong(
      `interceptors[${i}] must return a function, (call) => next(call), not ${shown(made)}`,
    );
  }, innermost);
  return async (call) => {
    const returned: unknown = outermost(call);
    const answer = await returned;
    // A function is another interceptor: what makes one was not called.
    const isMade = typeof answer === "function";
    if (answer !== undefined && !isMade) return answer;
    // It may be the answer, of a method that has none, or of a handler that is wrong itself.
    const { hasAnswer } = call.context as Partial<Answered>;
    const { kind, path } = call.context.method;
    const isStream = kind === "server_streaming" || kind === "bidi_streaming";
    if (isMade || returned === undefined || (hasAnswer ?? isStream)) {
      throw wrong(`An interceptor has returned ${shown(answer)} for a call of ${path}`);
    }
    return answer;
  };
}
