import { existsSync } from "node:fs";
import * as net from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import type { SocketAddress } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../listener.ts";
import type { AcceptQueue } from "./_accept_queue.ts";
import { toTransportError } from "./_errors.ts";
import {
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  type Place,
  unsupported,
} from "./_options.ts";
import { PushDuplex, type PushTransport } from "./_push_duplex.ts";
import { Turns } from "./_turns.ts";

/** For empty writes, which send nothing but fail if the connection is gone. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** Connects a `node:net` socket. */
export async function dial(place: Place, options: ConnectOptions): Promise<net.Socket> {
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
  return socket;
}

/** Starts a `node:net` or `node:tls` server; resolves to its address. */
export async function listening(
  server: net.Server,
  place: Place,
  { backlog, reusePort = false }: ListenOptions,
): Promise<SocketAddress> {
  if (reusePort && !canReusePort()) {
    throw unsupported("reusePort", `Node has it from 23.1, this is ${process.versions.node}`);
  }
  if (backlog !== undefined && process.versions.bun) {
    throw unsupported("backlog", "Bun cannot set it");
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(place, error)));
    server.listen({ ...target(place), backlog, reusePort }, resolve);
  });
  const address = server.address();
  return address === null || typeof address === "string"
    ? { transport: "unix", path: address ?? "" }
    : { transport: "tcp", hostname: address.address, port: address.port };
}

/** Makes a listener from a server that is listening; `onClose` is called once. */
export function toListener(
  server: net.Server,
  address: SocketAddress,
  accepted: AcceptQueue,
  onClose: () => void = () => {},
): Listener {
  server.on("error", (error) => accepted.close(toTransportError("Cannot accept", error)));
  let closing: Promise<void> | undefined;
  const close = () =>
    closing ??= new Promise<void>((resolve) => {
      // Not awaited: its callback waits for every connection to end.
      server.close();
      onClose();
      accepted.close();
      resolve();
    });
  return {
    address,
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}

function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1);
}

function cannotListen(place: Place, error: Error): TransportError {
  const ours = toTransportError(`Cannot listen on ${describe(place)}`, error);
  // libuv, for consistency with Windows, reports a missing directory as a missing permission.
  return ours.code === "denied" && place.kind === "unix" && !existsSync(dirname(place.path))
    ? new TransportError("not-found", ours.message, { cause: error })
    : ours;
}

function target(place: Place): { host: string; port: number } | { path: string } {
  return place.kind === "unix" ? { path: place.path } : { host: place.hostname, port: place.port };
}

/** The peer's TCP address, unless it has already gone. */
export function tcpAddressOf({ remoteAddress, remotePort }: net.Socket): SocketAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

/** Makes a duplex from a connected `node:net` or `node:tls` socket. */
export function toDuplex(
  transport: NetTransport,
  remoteAddress: SocketAddress | undefined,
  alpnProtocol?: string,
): PushDuplex {
  const duplex = new PushDuplex(transport, remoteAddress, alpnProtocol);
  transport.socket
    .on("data", (bytes) => duplex.push(bytes as Uint8Array))
    .on("end", () => transport.onEnd(duplex))
    .on("error", (error) => duplex.fail(transport.toError(error)))
    .on("close", () => duplex.fail(new TransportError("reset", "The socket was closed")));
  return duplex;
}

/** The common part of all `node:net` sockets. */
export class NetTransport implements PushTransport {
  readonly socket: net.Socket;
  readonly returnsBuffers = true;
  readonly #turns = new Turns();
  /** How many writes have not called back yet. */
  #unwritten = 0;
  #onWritten: () => void = () => {};
  #onFailed: (error: Error) => void = () => {};

  constructor(socket: net.Socket) {
    this.socket = socket;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#unwritten++;
    this.socket.write(bytes, this.#written);
    // Node has nothing left to write: the system took it all, and the callback, a tick
    // later, is not worth waiting for.
    if (this.socket.writableLength === 0) return this.#turns.next();
    return new Promise<void>((resolve, reject) => {
      this.#onWritten = resolve;
      this.#onFailed = reject;
    }).then(this.#turn);
  }

  // Bun's TLS may call back in a microtask.
  readonly #turn = () => this.#turns.next();

  // Callbacks come in order, including those of writes that were not awaited.
  readonly #written = (error?: Error | null) => {
    if (error) this.#onFailed(this.toError(this.socket.errored ?? error));
    else if (--this.#unwritten === 0) this.#onWritten();
  };

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (error?: Error | null) =>
        error ? reject(this.toError(this.socket.errored ?? error)) : resolve();
      this.socket.end(onEnd);
    });
  }

  release(): void {
    this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The socket reports that the peer has ended. */
  onEnd(duplex: PushDuplex): void {
    duplex.end();
  }

  /** Converts the socket's error to a TransportError. */
  toError(cause: unknown): TransportError {
    return toTransportError("The connection broke", cause);
  }
}

/** A TCP socket, which can send and detect a reset. */
export class TcpTransport extends NetTransport {
  /** Resets the connection, so that the peer does not take it for an orderly end. */
  override destroy(): void {
    if (ending(this.socket)) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /**
   * libuv reports a reset as an end if unread bytes came before it. An empty write tells the
   * two apart: after a reset, it causes an error event.
   */
  override onEnd(duplex: PushDuplex): void {
    const { socket } = this;
    const surely = !socket.writable || socket.writableLength > 0;
    if (surely) duplex.end();
    else socket.write(EMPTY, (error) => error || duplex.end());
  }
}

/**
 * Whether our end has been written but not yet handed to the system. Node cannot reset a
 * socket then: it would keep the socket open, and keep receiving what nobody reads.
 */
export function ending({ writableEnded, writableFinished }: net.Socket): boolean {
  return writableEnded && !writableFinished;
}
