/**
 * TCP, TLS and Unix sockets over `node:net`, for Node. Deno and Bun have `node:net` too,
 * so it works there as well; their own adapters are faster.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect, listen } from "@protosocket/protosocket/node";
 *
 * await using server = serve(await listen({ port: 0 }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * await using connection = new Connection(await connect(server.address), {
 *   codec: lengthDelimited(),
 *   reactor: () => ({
 *     onInboundMessage(message) {
 *       console.log(message);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send(new Uint8Array([1, 2, 3]));
 * await connection.closed;
 * ```
 *
 * @module
 */
import * as net from "node:net";
import type { SocketDuplex } from "../duplex/duplex.ts";
import type { Listener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { dial, listening, NetDuplex, tcpAddressOf, TcpDuplex, toListener } from "./sockets/_net.ts";
import {
  asksForTls,
  checkListenOptions,
  type ConnectOptions,
  type ListenOptions,
  placeOf,
} from "./base/_options.ts";

export type {
  ConnectOptions,
  ListenOptions,
  ProxyProtocolOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from "./base/_options.ts";

/**
 * Connects to a TCP address or a Unix socket, with TLS if `tls` is given. Rejects with a
 * {@linkcode TransportError}.
 */
export async function connect(options: ConnectOptions): Promise<SocketDuplex> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).connectTls(options);
  const place = placeOf(options, 1);
  const socket = await dial(place, options);
  return socketDuplex(socket, place.kind === "unix" ? place.path : undefined);
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. `reusePort` needs Node 23.1 or later; with Bun's
 * `node:net`, `backlog` is not supported.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).listenTls(options);
  if (options.proxyProtocol !== undefined) {
    return (await import("./sockets/_net_listen.ts")).listenProxied(options);
  }
  const place = placeOf(options, 0);
  checkListenOptions(options);
  const { noDelay = true, keepAlive = false } = options;
  const accepted = new AcceptQueue();
  const peerPath = place.kind === "unix" ? "" : undefined;
  const server = net.createServer(
    { allowHalfOpen: true, noDelay, keepAlive },
    (socket) => accepted.push(socketDuplex(socket, peerPath)),
  );
  return toListener(server, await listening(server, place, options), accepted);
}

/** `path` is the peer's, for a Unix socket. */
function socketDuplex(socket: net.Socket, path: string | undefined): SocketDuplex {
  return path === undefined
    ? new TcpDuplex(socket, tcpAddressOf(socket))
    : new NetDuplex(socket, { transport: "unix", path });
}
