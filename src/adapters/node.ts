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
import { existsSync } from "node:fs";
import * as net from "node:net";
import { dirname } from "node:path";
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

const EMPTY = new Uint8Array(0);

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
  return toDuplex(socket, place.kind === "unix" ? place.path : undefined);
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. `reusePort` needs Node 23.1 or later; with Bun's
 * `node:net`, `backlog` is not supported.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const place = placeOf(options, 0);
  checkListenOptions(options);
  const { noDelay = true, keepAlive = false, backlog, reusePort = false } = options;
  if (reusePort && !canReusePort()) {
    throw unsupported("reusePort", `Node has it from 23.1, this is ${process.versions.node}`);
  }
  if (backlog !== undefined && process.versions.bun) {
    throw unsupported("backlog", "Bun cannot set it");
  }
  const accepted = new AcceptQueue();
  const peerPath = place.kind === "unix" ? "" : undefined;
  const server = net.createServer(
    { allowHalfOpen: true, noDelay, keepAlive },
    (socket) => accepted.push(toDuplex(socket, peerPath)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(place, error)));
    server.listen({ ...target(place), backlog, reusePort }, resolve);
  });
  server.on("error", (error) => accepted.close(toTransportError("Cannot accept", error)));
  let closing: Promise<void> | undefined;
  const close = () =>
    closing ??= new Promise<void>((resolve) => {
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

function cannotListen(place: Place, error: Error): TransportError {
  const ours = toTransportError(`Cannot listen on ${describe(place)}`, error);
  // libuv, for the sake of Windows, tells of a missing directory as of a missing permission.
  return ours.code === "denied" && place.kind === "unix" && !existsSync(dirname(place.path))
    ? new TransportError("not-found", ours.message, { cause: error })
    : ours;
}

function target(place: Place): { host: string; port: number } | { path: string } {
  return place.kind === "unix" ? { path: place.path } : { host: place.hostname, port: place.port };
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

/** `path` is the other end's, for a Unix socket. */
function toDuplex(socket: net.Socket, path: string | undefined): SocketDuplex {
  const tcp = path === undefined;
  const duplex = new PushDuplex(
    new NodeTransport(socket, tcp),
    tcp ? tcpAddressOf(socket) : { transport: "unix", path },
  );
  const onEnd = () => {
    // libuv tells a reset as an end if it came behind bytes that were still to be read;
    // a write of nothing tells the two apart, by an error event.
    const surely = !tcp || !socket.writable || socket.writableLength > 0;
    if (surely) duplex.end();
    else socket.write(EMPTY, (error) => error || duplex.end());
  };
  socket
    .on("data", (bytes) => duplex.push(bytes as Uint8Array))
    .on("end", onEnd)
    .on("error", (error) => duplex.fail(toTransportError("The connection broke", error)))
    .on("close", () => duplex.fail(new TransportError("reset", "The socket was closed")));
  return duplex;
}

/** The other end's address, unless it has gone already. */
function tcpAddressOf({ remoteAddress, remotePort }: net.Socket): SocketAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

class NodeTransport implements PushTransport {
  readonly #socket: net.Socket;
  readonly #tcp: boolean;
  readonly #turns = new Turns();
  /** Writes whose callback has not been called. */
  #unwritten = 0;
  #onWritten: () => void = () => {};
  #onFailed: (error: Error) => void = () => {};

  constructor(socket: net.Socket, tcp: boolean) {
    this.#socket = socket;
    this.#tcp = tcp;
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
    return new Promise((resolve, reject) => {
      this.#onWritten = resolve;
      this.#onFailed = reject;
    });
  }

  // Callbacks come in order, those of writes that were not waited for as well.
  readonly #written = (error?: Error | null) => {
    if (error) this.#onFailed(this.#socket.errored ?? error);
    else if (--this.#unwritten === 0) this.#onWritten();
  };

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (error?: Error | null) =>
        error ? reject(this.#socket.errored ?? error) : resolve();
      this.#socket.end(onEnd);
    });
  }

  release(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    // Resets a TCP connection, so that the other end does not take it for an end in order.
    if (this.#tcp) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
