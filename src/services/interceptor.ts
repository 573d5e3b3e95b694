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
 * pass on another request, answer by itself, fail, or pass the call on more than once. The first
 * interceptor of a list is the outermost.
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
