import type { Reactor, Sender, SocketAddress } from "../../../mod.ts";
import { checkFunction } from "../../check.ts";
import { checkMessages, type RpcMessages } from "../message.ts";
import { ownMethods } from "./_own_methods.ts";
import { RpcReactor } from "./_rpc_reactor.ts";
import type { RpcHandler } from "./handler.ts";
import { type RpcReactorOptions, rpcSettings } from "./server_options.ts";

/**
 * Makes a reactor that serves RPCs on one connection. {@linkcode serveRpc} does this for
 * each connection of a listener; use this for a Duplex from elsewhere. Throws a
 * `RangeError` for an option out of range. It can be spread into a reactor that does something
 * of its own first: `(sender) => ({ ...make(sender), onInboundMessage })`.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient, rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * const [here, there] = duplexPair();
 * await using connection = new Connection(there, {
 *   codec: json<Message>(),
 *   reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` })),
 * });
 * await using client = new RpcClient(here, { codec: json<Message>(), messages });
 * console.log((await client.unary({ text: "world" })).text); // hello, world
 * ```
 */
export function rpcReactor<Request, Response>(
  messages: RpcMessages<Request, Response>,
  handler: RpcHandler<Request, Response>,
  options: RpcReactorOptions<Request> = {},
): (sender: Sender<Response>) => Reactor<Request, Response> {
  checkMessages(messages);
  const make = makerOfReactors(messages, options)(handler, options.remoteAddress);
  return (sender) => ownMethods(make(sender));
}

/**
 * The same for reactors that nobody spreads, which are smaller, of one connection after the
 * other: what they have in common is in memory once.
 */
export function makerOfReactors<Request, Response>(
  messages: RpcMessages<Request, Response>,
  options: RpcReactorOptions<Request>,
): (
  handler: RpcHandler<Request, Response>,
  remoteAddress: SocketAddress | undefined,
) => (sender: Sender<Response>) => RpcReactor<Request, Response> {
  const settings = rpcSettings(messages, options);
  return (handler, remoteAddress) => {
    checkFunction("handler", handler, ": service: () => (request) => answer");
    return (sender) => new RpcReactor(settings, handler, remoteAddress, sender);
  };
}
