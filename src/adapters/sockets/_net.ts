import { existsSync } from "node:fs";
import * as net from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import type { PeerCertificate, ProxyInfo, SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import type { SocketListener } from "../../duplex/listener.ts";
import { limited } from "../../waits/bounded.ts";
import type { AcceptQueue } from "../base/_accept_queue.ts";
import { toTransportError } from "../base/_errors.ts";
import {
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  type SocketPlace,
  unsupported,
} from "../base/_options.ts";
import { netKeepAlive, setKeepAlive } from "./_keep_alive.ts";
import { SocketBase } from "./_socket_base.ts";
import { socketListenerOf } from "../base/_socket_listener.ts";

/** For empty writes, which send nothing but fail if the connection is gone. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** Connects a `node:net` socket. */
export async function dial(place: SocketPlace, options: ConnectOptions): Promise<net.Socket> {
  const { noDelay = true, signal } = options;
  const keepAlive = netKeepAlive(options.keepAlive);
  if (signal?.aborted) throw connectAborted(signal);
  const socket = net.connect({ ...target(place), noDelay, allowHalfOpen: true });
  const connected = new Promise<void>((resolve, reject) => {
    const onError = (error: Error) =>
      reject(toTransportError(`Cannot connect to ${describe(place)}`, error));
    socket.once("connect", () => resolve(void socket.off("error", onError)));
    socket.once("error", onError);
  });
  try {
    await limited(connected, { signals: [signal], aborted: connectAborted });
  } catch (error) {
    socket.on("error", () => {}).destroy();
    throw error;
  }
  if (place.kind === "tcp") setKeepAlive(socket, keepAlive);
  return socket;
}

/** Starts a `node:net` or `node:tls` server; resolves to its address. */
export async function listening(
  server: net.Server,
  place: SocketPlace,
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
  setCertificate?: SocketListener["setCertificate"],
): SocketListener {
  // One accept that failed, for want of memory or descriptors, does not end a listener.
  server.on("error", (error) => {
    if (!server.listening) accepted.close(toTransportError("Cannot accept", error));
  });
  const stop = () => {
    // Not awaited: its callback waits for every connection to end.
    server.close();
    onClose();
    accepted.close();
  };
  return socketListenerOf(address, accepted, stop, setCertificate);
}

function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1);
}

function cannotListen(place: SocketPlace, error: Error): TransportError {
  const ours = toTransportError(`Cannot listen on ${describe(place)}`, error);
  // libuv, for consistency with Windows, reports a missing directory as a missing permission.
  return ours.code === "denied" && place.kind === "unix" && !existsSync(dirname(place.path))
    ? new TransportError("not-found", ours.message, { cause: error })
    : ours;
}

function target(place: SocketPlace): { host: string; port: number } | { path: string } {
  return place.kind === "unix" ? { path: place.path } : { host: place.hostname, port: place.port };
}

/** The peer's TCP address, unless it has already gone. */
export function tcpAddressOf({ remoteAddress, remotePort }: net.Socket): SocketAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

/** How the callbacks of a socket find its duplex: so they are the same for all sockets. */
const OWNER = Symbol("duplex");

interface OwnedSocket extends net.Socket {
  [OWNER]: NetDuplex;
  /** What libuv has not written yet, as far as the runtime tells. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** A duplex over a connected `node:net` or `node:tls` socket. */
export class NetDuplex extends SocketBase {
  readonly socket: net.Socket;
  /** See {@linkcode SocketDuplex.proxy}. */
  proxy?: ProxyInfo;
  /** See {@linkcode SocketDuplex.peerCertificate}. */
  peerCertificate?: PeerCertificate;
  #started = false;
  /** How many writes have not called back yet. */
  #unwritten = 0;

  constructor(socket: net.Socket, remoteAddress?: SocketAddress, alpnProtocol?: string) {
    super(remoteAddress, alpnProtocol);
    this.socket = socket;
    (socket as OwnedSocket)[OWNER] = this;
    socket.on("end", onEnd).on("error", onError).on("close", onClose);
  }

  override get unsent(): number {
    const { _handle: handle, writableLength } = this.socket as OwnedSocket;
    // Node counts a write until all of it has gone; libuv knows how much has.
    return Math.min(handle?.writeQueueSize ?? writableLength, writableLength);
  }

  protected override flow(): void {
    if (this.#started) return void this.socket.resume();
    this.#started = true;
    this.socket.on("data", onData);
    // It was paused if somebody has read from it before, such as a PROXY header.
    if (this.proxy) this.socket.resume();
  }

  protected override hold(): void {
    this.socket.pause();
  }

  protected override send(bytes: Uint8Array): boolean {
    this.#unwritten++;
    this.socket.write(bytes, this.#onWritten);
    // Node has nothing left to write: the system took it all, and the callback, a tick
    // later, is not worth waiting for.
    return this.socket.writableLength === 0;
  }

  // Callbacks come in order, including those of writes that were not waited for.
  readonly #onWritten = (error?: Error | null) => {
    if (error) this.broke(error);
    else if (--this.#unwritten === 0) this.drained();
  };

  protected override sendEnd(): boolean {
    this.#unwritten++;
    this.socket.end(this.#onWritten);
    return false;
  }

  protected override release(): void {
    this.socket.destroySoon();
  }

  protected override destroy(): void {
    this.socket.destroy();
  }

  /** The socket reports that bytes have arrived. */
  onData({ buffer, byteOffset, length }: Uint8Array): void {
    // Not a Buffer, whose `slice` does not copy.
    this.received(new Uint8Array(buffer as ArrayBuffer, byteOffset, length));
  }

  /** The socket reports that the peer has ended. */
  onEnd(): void {
    this.ended();
  }

  /** The socket has closed. */
  onClose(): void {
    this.fail(new TransportError("reset", "The socket was closed"));
  }

  /** The socket, or a write, reports an error. */
  broke(cause: Error): void {
    this.fail(this.toError(this.socket.errored ?? cause));
  }

  /** Converts the socket's error to a TransportError. */
  protected toError(cause: unknown): TransportError {
    return toTransportError("The connection broke", cause);
  }
}

function onData(this: net.Socket, bytes: Uint8Array): void {
  (this as OwnedSocket)[OWNER].onData(bytes);
}

function onEnd(this: net.Socket): void {
  (this as OwnedSocket)[OWNER].onEnd();
}

function onError(this: net.Socket, error: Error): void {
  (this as OwnedSocket)[OWNER].broke(error);
}

function onClose(this: net.Socket): void {
  (this as OwnedSocket)[OWNER].onClose();
}

/** A TCP socket, which can send and detect a reset. */
export class TcpDuplex extends NetDuplex {
  /** While a write waits, the system is being asked already. */
  protected override probe(): void {
    const { socket } = this;
    if (socket.writable && socket.writableLength === 0) socket.write(EMPTY);
  }

  /** Resets the connection, so that the peer does not take it for an orderly end. */
  protected override destroy(): void {
    if (ending(this.socket)) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /**
   * libuv reports a reset as an end if unread bytes came before it. An empty write tells the
   * two apart: after a reset, it causes an error event.
   */
  override onEnd(): void {
    const { socket } = this;
    const surely = !socket.writable || socket.writableLength > 0;
    if (surely) this.ended();
    else socket.write(EMPTY, (error) => error || this.ended());
  }
}

/**
 * Whether our end has been written but not yet handed to the system. Node cannot reset a
 * socket then: it would keep the socket open, and keep receiving what nobody reads.
 */
export function ending({ writableEnded, writableFinished }: net.Socket): boolean {
  return writableEnded && !writableFinished;
}
