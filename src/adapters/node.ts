/**
 * TCP and Unix sockets over `node:net`, for Node. Deno and Bun have `node:net` too,
 * so it works there as well; their own adapters are faster.
 *
 * @example
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect } from "@protosocket/protosocket/node";
 *
 * await using connection = new Connection(await connect({ port: 9000 }), {
 *   codec: lengthDelimited(),
 *   reactor: () => ({ onInboundMessage: (message) => console.log(message) }),
 * });
 * await connection.sender.send(new Uint8Array([1, 2, 3]));
 * ```
 *
 * @module
 */
import * as net from "node:net";
import process from "node:process";
import type { SocketAddress, SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../listener.ts";
import { AcceptQueue } from "./_accept_queue.ts";
import { toTransportError } from "./_errors.ts";
import {
  checkListenOptions,
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  type Place,
  placeOf,
  unsupported,
} from "./_options.ts";
import { PushDuplex, type PushTransport } from "./_push_duplex.ts";
import { Turns } from "./_turns.ts";

export type { ConnectOptions, ListenOptions } from "./_options.ts";

/**
 * Connects to a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}.
 */
export async function connect(options: ConnectOptions): Promise<SocketDuplex> {
  const place = placeOf(options, 1);
  const { noDelay = true, keepAlive = false, signal } = options;
  if (signal?.aborted) throw connectAborted(signal);
  const socket = net.connect({ ...target(place), noDelay, keepAlive, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: TransportError) => {
      signal?.removeEventListener("abort", onAbort);
      socket.off("connect", onConnect).off("error", onError);
      error ? reject(error) : resolve();
    };
    const onConnect = () => settle();
    const onError = (error: Error) =>
      settle(toTransportError(`Cannot connect to ${describe(place)}`, error));
    const onAbort = () => {
      settle(connectAborted(signal!));
      socket.on("error", () => {}).destroy();
    };
    socket.on("connect", onConnect).on("error", onError);
    signal?.addEventListener("abort", onAbort);
  });
  return toDuplex(socket);
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. `reusePort` needs Node 23.1 or later.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const place = placeOf(options, 0);
  checkListenOptions(options);
  const { noDelay = true, keepAlive = false, backlog, reusePort = false } = options;
  if (reusePort && !canReusePort()) {
    throw unsupported("reusePort", `Node has it from 23.1, this is ${process.versions.node}`);
  }
  const accepted = new AcceptQueue();
  const server = net.createServer(
    { allowHalfOpen: true, noDelay, keepAlive },
    (socket) => accepted.push(toDuplex(socket)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(toTransportError(`Cannot listen on ${describe(place)}`, error)));
    server.listen({ ...target(place), backlog, reusePort }, resolve);
  });
  server.on("error", (error) => accepted.close(toTransportError("Cannot accept", error)));
  let closing: Promise<void> | undefined;
  const close = () => closing ??= new Promise<void>((resolve) => {
    // Its callback waits for every connection to end, which is not our matter.
    server.close();
    accepted.close();
    resolve();
  });
  return {
    address: addressOf(server.address()),
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}

function target(place: Place): { host: string; port: number } | { path: string } {
  return place.kind === "unix"
    ? { path: place.path }
    : { host: place.hostname, port: place.port };
}

function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1);
}

function addressOf(address: net.AddressInfo | string | null): SocketAddress {
  if (address === null || typeof address === "string") {
    return { transport: "unix", path: address ?? "" };
  }
  return { transport: "tcp", hostname: address.address, port: address.port };
}

function toDuplex(socket: net.Socket): SocketDuplex {
  const transport = new NodeTransport(socket);
  const duplex = new PushDuplex(
    transport,
    socket.remotePort === undefined
      ? { transport: "unix", path: "" }
      : { transport: "tcp", hostname: socket.remoteAddress ?? "", port: socket.remotePort },
  );
  socket
    .on("data", (bytes) => duplex.push(bytes as Uint8Array))
    .on("end", () => duplex.end())
    .on("error", (error) => duplex.fail(toTransportError("The connection broke", error)))
    .on("close", () => duplex.fail(new TransportError("reset", "The socket was closed")));
  return duplex;
}

class NodeTransport implements PushTransport {
  readonly #socket: net.Socket;
  readonly #turns = new Turns();
  /** Writes whose callback has not been called. */
  #unwritten = 0;
  #onWritten: () => void = () => {};

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#unwritten++;
    this.#socket.write(bytes, this.#written);
    // Nothing left in Node's hands: the system took it all, and the callback, which
    // comes a tick later, is not worth waiting for.
    if (this.#socket.writableLength === 0) return this.#turns.next();
    return new Promise((resolve) => this.#onWritten = resolve);
  }

  // Callbacks come in order, those of writes that were not waited for as well. An
  // error is told by the socket's own event, which errors the stream.
  readonly #written = () => {
    if (--this.#unwritten === 0) this.#onWritten();
  };

  end(): void | Promise<void> {
    return new Promise((resolve) => void this.#socket.end(resolve));
  }

  release(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    // Resets a TCP connection, so that the other end does not take it for an end in order.
    if (this.#socket.remotePort !== undefined) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
