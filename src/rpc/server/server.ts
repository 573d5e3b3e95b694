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
import { checkFunction, checkListener, requireOptions } from "../../check.ts";
import { checkConnectionOptions, checkConnectionParts } from "../../options.ts";
import type { RpcHandler } from "./handler.ts";
import { checkMessages, type RpcMessages } from "../message.ts";
import { checkRpcObserver, type RpcObserver } from "../observer.ts";
import { Load } from "./_load.ts";
import { makerOfReactors } from "./reactor.ts";
import type { RpcServerOptions } from "./server_options.ts";

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
  /**
   * How many RPCs of all connections together may be in progress. Further ones are refused at
   * once, before their handlers are called, rather than made to wait in a queue that grows: a
   * server that is overloaded answers what it can. Clients of this package are told that it was
   * not begun (`unavailable`), and their pools try another server, within the retry budget. An RPC
   * counts until it has been answered or cancelled. From 1 to 2^31.
   *
   * @default {undefined} no limit but that of each connection
   */
  readonly maxRpcs?: number;
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
 * import { listen } from "@protosocket/protosocket/sockets";
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
  requireOptions("config", "a codec", config);
  checkFunction("codec", config.codec, " that makes one for each connection: () => json()");
  checkFunction("service", config.service, " that makes the handler of a connection");
  checkMessages(config.messages);
  checkConnectionOptions(config);
  checkConnectionParts(config);
  checkRpcObserver(config.rpcObserver);
  const { messages, service, rpcObserver, maxRpcs } = config;
  const load = maxRpcs === undefined ? undefined : new Load(maxRpcs);
  const observer = load ? load.observer(rpcObserver) : rpcObserver;
  // For all connections, so that there is one log, too.
  const make = makerOfReactors(messages, { ...config, rpcObserver: observer });
  return serve(listener, (duplex) => {
    const handler = service(duplex);
    return {
      ...config,
      codec: config.codec(),
      reactor: make(load ? load.handler(handler) : handler, duplex.remoteAddress),
    };
  }, config);
}
