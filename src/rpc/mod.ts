/**
 * Remote procedure calls over a {@linkcode Connection}: a request gets one response or a
 * stream of them, in any order, and either end can cancel. Speaks the protocol of the
 * Rust crate `protosocket-rpc`.
 *
 * Messages may be of any type that has an id and a control code somewhere:
 * {@linkcode RpcMessage} tells where. The control codes are 0 normal, 1 cancel and 2 end.
 * A response is matched to its request by the id alone.
 *
 * {@linkcode RpcClient} makes calls over one connection, {@linkcode RpcPool} over several;
 * {@linkcode serveRpc} serves them.
 *
 * @example Messages of your own, both ends in one process
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import {
 *   ControlCode,
 *   RpcClient,
 *   type RpcId,
 *   type RpcMessage,
 *   rpcReactor,
 * } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id: RpcId; code: number; text?: string };
 * const message: RpcMessage<Message> = {
 *   id: (message) => message.id,
 *   setId: (message, id) => message.id = id,
 *   code: (message) => message.code,
 *   cancelled: (id) => ({ id, code: ControlCode.cancel }),
 *   ended: (id) => ({ id, code: ControlCode.end }),
 * };
 * const messages = { request: message, response: message };
 * const say = (text: string): Message => ({ id: 0, code: ControlCode.normal, text });
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: json<Message>(),
 *   reactor: rpcReactor(messages, ({ text }) => say(`hello, ${text}`)),
 * });
 * await using client = new RpcClient(here, { codec: json<Message>(), messages });
 * console.log((await client.unary(say("world"))).text); // hello, world
 * ```
 *
 * The other examples take such messages from `examples/support/plain_messages.ts` in the
 * repository.
 *
 * @module
 */
export {
  type CancelReason,
  ControlCode,
  type RpcId,
  type RpcMessage,
  type RpcMessages,
} from "./message.ts";
export { DEFAULT_MAX_BUFFERED_BYTES } from "./_flow.ts";
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
  type BackoffOptions,
  DEFAULT_BACKOFF,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_ENDPOINTS_TTL,
  DEFAULT_POOL_SLOTS,
  type PoolCallOptions,
  type PoolClientOptions,
  type PoolObserver,
  type RpcPoolConfig,
} from "./pool/pool_options.ts";
