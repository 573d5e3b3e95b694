import {
  type Codec,
  type ConnectionObserver,
  type ConnectionOptions,
  type Heartbeat,
  type Listener,
  serve,
  type ServeOptions,
  type Server,
  type SocketDuplex,
} from "../../../mod.ts";
import { checkFunction, checkListener } from "../../check.ts";
import { checkConnectionOptions } from "../../options.ts";
import type { RpcHandler } from "./handler.ts";
import { checkMessages, type RpcMessages } from "../message.ts";
import type { RpcObserver } from "../observer.ts";
import { makerOfReactors } from "./reactor.ts";
import { checkRpcServerOptions, type RpcServerOptions } from "./server_options.ts";

/** How {@linkcode serveRpc} runs each connection, with its limits and timeouts. */
export interface RpcServerConfig<Request, Response>
  extends ConnectionOptions, RpcServerOptions, ServeOptions {
  /** Makes the codec of one connection. */
  readonly codec: () => Codec<Request, Response>;
  /** Tells where the id and the control code are in a message. */
  readonly messages: RpcMessages<Request, Response>;
  /**
   * Makes the handler of one connection, which may keep state for it. The client's address
   * is `duplex.remoteAddress`. If it throws, that connection is refused.
   */
  readonly service: (duplex: SocketDuplex) => RpcHandler<Request, Response>;
  /**
   * Keeps idle connections alive with a message that clients ignore, such as
   * `messages.response.ended(0)`.
   */
  readonly heartbeat?: Heartbeat<Response>;
  /** Observes the connections, for metrics and logs. */
  readonly observer?: ConnectionObserver;
  /** Observes the RPCs, for traces and metrics. */
  readonly rpcObserver?: RpcObserver<NoInfer<Request>>;
}

/**
 * Serves RPCs on each connection that the listener accepts, until the listener is closed.
 * Throws a `RangeError` for an option out of range.
 *
 * @example
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { refused, rpcFields, serveRpc } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * async function* letters(text: string): AsyncGenerator<Message> {
 *   for (const letter of text) yield { text: letter };
 * }
 *
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Message>(),
 *   messages,
 *   service: () => ({ text }) => {
 *     if (!text) return refused;
 *     return text.endsWith("?") ? { text: "yes" } : letters(text);
 *   },
 * });
 * console.log(server.address);
 * ```
 */
export function serveRpc<Request, Response>(
  listener: Listener,
  config: RpcServerConfig<Request, Response>,
): Server {
  // Otherwise each connection would be refused, one by one.
  checkListener(listener);
  checkFunction("codec", config.codec, " that makes one for each connection: () => json()");
  checkFunction("service", config.service, " that makes the handler of a connection");
  checkMessages(config.messages);
  checkConnectionOptions(config);
  const { onError } = checkRpcServerOptions(config);
  return serve(listener, (duplex) => ({
    ...config,
    codec: config.codec(),
    reactor: makerOfReactors(config.messages, config.service(duplex), {
      ...config,
      // One log for all connections.
      onError,
      remoteAddress: duplex.remoteAddress,
    }),
  }), config);
}
