/**
 * Remote procedure calls over a {@linkcode Connection}: a request gets one response or a
 * stream of them, in any order, and either end can cancel. Speaks the protocol of the
 * Rust crate `protosocket-rpc`.
 *
 * Messages may be of any type that has an id and a control code somewhere: {@linkcode RpcMessage}
 * tells where, and {@linkcode rpcFields} makes one of two names. The control codes are 0 normal, 1
 * cancel and 2 end. A response is matched to its request by the id alone.
 *
 * {@linkcode RpcClient} makes calls over one connection, {@linkcode RpcPool} over several;
 * {@linkcode serveRpc} serves them.
 *
 * @example Messages of your own, both ends in one process
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient, rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 *
 * // The ends set the ids; a message without a code is a request, a response or an item.
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: json<Message>(),
 *   reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` })),
 * });
 * await using client = new RpcClient(here, { codec: json<Message>(), messages });
 * console.log((await client.unary({ text: "world" })).text); // hello, world
 * ```
 *
 * @module
 */
export {
  type CancelReason,
  ControlCode,
  type MessageKeeper,
  type RpcId,
  type RpcMessage,
  type RpcMessages,
} from "./message.ts";
export { DEFAULT_MAX_BUFFERED_BYTES } from "./_flow.ts";
export {
  type RpcCodeName,
  type RpcFieldNames,
  rpcFields,
  type RpcIdName,
  type RpcPlainNames,
} from "./fields.ts";
export { RpcError, type RpcErrorCode, type RpcErrorOptions } from "./errors.ts";
export {
  type CallOptions,
  RpcClient,
  type RpcClientConfig,
  type RpcStream,
  type StreamingCallOptions,
} from "./client/client.ts";
export {
  refused,
  type RpcAnswer,
  type RpcContext,
  type RpcHandler,
  type RpcResult,
} from "./server/handler.ts";
export {
  DEFAULT_MAX_CONCURRENT_RPCS,
  type FailedRpc,
  type RpcReactorOptions,
  type RpcServerOptions,
} from "./server/server_options.ts";
export { rpcReactor } from "./server/reactor.ts";
export type { ObservedRpc, OnRpcEnd, RpcObserver } from "./observer.ts";
export { type RpcServerConfig, serveRpc } from "./server/server.ts";
export { RpcPool } from "./pool/pool.ts";
export {
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_ENDPOINTS_TTL,
  DEFAULT_MAX_WAITING_CALLS,
  DEFAULT_POOL_SLOTS,
  type EndpointTraits,
  type FoundEndpoints,
  type PoolCallOptions,
  type PoolClientOptions,
  type PoolObserver,
  type RpcPoolConfig,
  type SubsetOptions,
} from "./pool/pool_options.ts";
export {
  type BackoffOptions,
  DEFAULT_BACKOFF,
  DEFAULT_OUTLIER_DETECTION,
  DEFAULT_RETRY_BUDGET,
  type OutlierDetectionOptions,
  type RetryBudgetOptions,
} from "./pool/resilience_options.ts";
