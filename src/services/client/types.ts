import type { RpcId, RpcStream } from "../../rpc/mod.ts";
import type { ServiceContext } from "../context.ts";
import type { MethodDefinition, ServiceDefinition } from "../definition.ts";
import type { ClientInterceptor } from "../interceptor.ts";
import type { Metadata, MetadataInit } from "../metadata.ts";

/** Options of one call of a method. */
export interface ServiceCallOptions {
  /**
   * Milliseconds within which the call must be over; the server is told too. For a stream, until
   * its end. From 1 to 2,147,483,647. Without it, the client's `timeout` applies.
   */
  readonly timeout?: number;
  /** Cancels the call when it fires; the call fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Travels beside the request; joins that of the client, whose keys it replaces. */
  readonly metadata?: MetadataInit;
  /** The call of whose handling this one is a part: it ends when that ends, at the latest. */
  readonly context?: ServiceContext;
  /**
   * Selects an endpoint of a pool, if it is a text, or a connection: see `PoolClientOptions`. A
   * client of one connection ignores it.
   */
  readonly key?: RpcId | string;
  /**
   * Whether the call may be made more than once, so that a pool may retry it.
   *
   * @default {idempotent} of the method
   */
  readonly idempotent?: boolean;
  /**
   * Milliseconds after which a call that has no answer yet is made once more, beside the first; the
   * first answer counts, and the other is cancelled. A pool sends it to another endpoint. Only for
   * calls that are idempotent and have one request and one response; others ignore it. Without it,
   * the client's `hedgeAfter` applies. From 1 to 2,147,483,647.
   */
  readonly hedgeAfter?: number;
  /**
   * Receives what the server sends beside the beginning of its answer; not called if that is
   * nothing. The call fails with what it throws; it is not awaited.
   */
  readonly onMetadata?: (metadata: Metadata) => void;
  /**
   * Receives what the server sends beside the end of its answer, also of one that failed; not
   * called if that is nothing. The call fails with what it throws; it is not awaited.
   */
  readonly onTrailers?: (trailers: Metadata) => void;
}

/** Options of {@linkcode createClient}. */
export interface ServiceClientOptions {
  /**
   * The default `timeout` of calls, in milliseconds. From 1 to 2,147,483,647.
   *
   * @default {undefined} that of the `RpcClient` or `RpcPool`
   */
  readonly timeout?: number;
  /**
   * The default `hedgeAfter` of calls, in milliseconds, for a pool whose servers are slow now and
   * then: somewhat more than most calls take. From 1 to 2,147,483,647.
   *
   * @default {undefined} no call is made twice
   */
  readonly hedgeAfter?: number;
  /** Travels beside every request. */
  readonly metadata?: MetadataInit;
  /** Stand between the caller and the connection; the first is the outermost. */
  readonly interceptors?: readonly ClientInterceptor[];
}

/** How a method of that definition is called. */
export type ClientMethod<Method extends MethodDefinition> = Method extends
  MethodDefinition<infer Kind, infer Request, infer _Request, infer _Response, infer Response>
  ? Kind extends "unary" ? (request: Request, options?: ServiceCallOptions) => Promise<Response>
  : Kind extends "server_streaming"
    ? (request: Request, options?: ServiceCallOptions) => RpcStream<Response>
  : Kind extends "client_streaming" ? (
      requests: AsyncIterable<Request> | Iterable<Request>,
      options?: ServiceCallOptions,
    ) => Promise<Response>
  : (
    requests: AsyncIterable<Request> | Iterable<Request>,
    options?: ServiceCallOptions,
  ) => RpcStream<Response>
  : never;

/** A typed client of a service: its methods. They fail with a {@linkcode ServiceError}. */
export type Client<Service extends ServiceDefinition> = {
  readonly [Name in keyof Service["methods"]]: ClientMethod<Service["methods"][Name]>;
};
