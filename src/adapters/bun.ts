/**
 * TCP and Unix sockets over the sockets of Bun.
 *
 * @example
 * ```ts ignore
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect, listen } from "@protosocket/protosocket/bun";
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
import { lookup } from "node:dns/promises";
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import type { SocketListener } from "../duplex/listener.ts";
import { AcceptQueue } from "./base/_accept_queue.ts";
import { toTransportError } from "./base/_errors.ts";
import { checkKeepAlive } from "./base/_keep_alive.ts";
import {
  asksForTls,
  checkListenOptions,
  type ConnectOptions,
  describe,
  type ListenOptions,
  placeOf,
  type SocketPlace,
  unsupported,
} from "./base/_options.ts";
import { SocketBase } from "./sockets/_socket_base.ts";
import { socketListenerOf } from "./base/_socket_listener.ts";

export type {
  ConnectOptions,
  KeepAliveOptions,
  ListenOptions,
  ProxyProtocolOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from "./base/_options.ts";

/** The parts of Bun that are used, declared here so that every type checker knows them. */
interface BunApi {
  listen(options: object): BunListener;
}

interface BunSocket {
  data: BunDuplex;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  reload(options: object): void;
  write(bytes: Uint8Array): number;
  shutdown(halfClose?: boolean): void;
  end(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): void;
  setKeepAlive(keepAlive: boolean, idle?: number): void;
}

interface BunListener {
  readonly hostname: string;
  readonly port: number;
  stop(closeActiveConnections?: boolean): void;
}

function bun(): BunApi {
  const { Bun } = globalThis as unknown as { Bun?: BunApi };
  if (Bun) return Bun;
  throw new TransportError("unsupported", "This adapter needs Bun; use the one of your runtime");
}

/**
 * Connects to a TCP address or a Unix socket, with TLS if `tls` is given. Rejects with a
 * {@linkcode TransportError}.
 */
export async function connect(options: ConnectOptions): Promise<SocketDuplex> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).connectTls(options);
  const place = placeOf(options, 1);
  bun();
  // Bun.connect cannot be aborted: it keeps its descriptor until the system gives up. So the
  // socket is connected by `node:net`, which can, and from then on it is a socket of Bun.
  const dialed = await (await import("./sockets/_net.ts")).dial(place, options);
  const { _handle: socket } = dialed as unknown as { readonly _handle: BunSocket };
  const path = place.kind === "unix" ? place.path : undefined;
  const duplex = socket.data = new BunDuplex(socket, addressOf(socket, path));
  socket.reload({ socket: handlers(options, path) });
  return duplex;
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. Bun cannot set the `backlog`.
 */
export async function listen(options: ListenOptions): Promise<SocketListener> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).listenTls(options);
  if (options.proxyProtocol !== undefined) {
    return (await import("./sockets/_net_listen.ts")).listenProxied(options);
  }
  const place = placeOf(options, 0);
  checkListenOptions(options);
  if (options.backlog !== undefined) throw unsupported("backlog", "Bun cannot set it");
  const accepted = new AcceptQueue();
  checkKeepAlive(options.keepAlive, ["idle"]);
  const peerPath = place.kind === "unix" ? "" : undefined;
  let listener: BunListener;
  try {
    listener = bun().listen({
      ...target(await resolved(place)),
      allowHalfOpen: true,
      // Without it, Bun lets a second listener take a port that is in use.
      exclusive: !options.reusePort,
      reusePort: options.reusePort ?? false,
      socket: handlers(options, peerPath, (duplex) => accepted.push(duplex)),
    });
  } catch (error) {
    throw toTransportError(`Cannot listen on ${describe(place)}`, error);
  }
  const address: SocketAddress = place.kind === "unix"
    ? { transport: "unix", path: place.path }
    : { transport: "tcp", hostname: listener.hostname, port: listener.port };
  return socketListenerOf(address, accepted, () => {
    listener.stop();
    accepted.close();
  });
}

/** Resolves the host name: Bun reports neither the address nor that a name could not be resolved. */
async function resolved(place: SocketPlace): Promise<SocketPlace> {
  if (place.kind === "unix") return place;
  const { address } = await lookup(place.hostname);
  return { ...place, hostname: address };
}

function target(place: SocketPlace): object {
  return place.kind === "unix"
    ? { unix: place.path }
    : { hostname: place.hostname, port: place.port };
}

/** The callbacks for Bun; `path` is the peer's, for a Unix socket. */
function handlers(
  { noDelay = true, keepAlive: probes }: ConnectOptions | ListenOptions,
  path: string | undefined,
  onOpen?: (duplex: SocketDuplex) => void,
): object {
  const keepAlive = checkKeepAlive(probes, ["idle"]);
  return {
    // Not a Buffer, whose `slice` does not copy.
    binaryType: "uint8array",
    open(socket: BunSocket) {
      const duplex = socket.data = new BunDuplex(socket, addressOf(socket, path));
      if (path === undefined) {
        socket.setNoDelay(noDelay);
        if (keepAlive) socket.setKeepAlive(true, keepAlive.idle ?? 0);
      }
      onOpen?.(duplex);
    },
    data: (socket: BunSocket, bytes: Uint8Array) => socket.data.onData(bytes),
    drain: (socket: BunSocket) => socket.data.onDrain(),
    end: (socket: BunSocket) => socket.data.onEnd(),
    error: (socket: BunSocket, error: Error) => socket.data.broke(error),
    close: (socket: BunSocket, error?: Error) => socket.data.onClose(error),
  };
}

/** The peer's address, unless it has already gone. */
function addressOf(
  { remoteAddress, remotePort }: BunSocket,
  path: string | undefined,
): SocketAddress | undefined {
  if (path !== undefined) return { transport: "unix", path };
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

class BunDuplex extends SocketBase {
  readonly #socket: BunSocket;
  /** What the system has not taken yet. */
  #rest: Uint8Array | undefined;
  /** Whether our end has been sent. */
  #endSent = false;

  constructor(socket: BunSocket, remoteAddress: SocketAddress | undefined) {
    super(remoteAddress);
    this.#socket = socket;
  }

  override get unsent(): number {
    return this.#rest?.length ?? 0;
  }

  protected override flow(): void {
    this.#socket.resume();
  }

  protected override hold(): void {
    this.#socket.pause();
  }

  protected override send(bytes: Uint8Array): boolean {
    const taken = this.#socket.write(bytes);
    if (taken === bytes.length) return true;
    this.#rest = taken > 0 ? bytes.subarray(taken) : bytes;
    if (taken < 0) queueMicrotask(() => this.#gone());
    return false;
  }

  /** There is room again. Bun keeps nothing, so the rest is offered again each time. */
  onDrain(): void {
    const rest = this.#rest;
    if (!rest) return;
    const taken = this.#socket.write(rest);
    if (taken < 0) return this.#gone();
    this.#rest = taken < rest.length ? rest.subarray(taken) : undefined;
    if (!this.#rest) this.drained();
  }

  #gone(): void {
    this.fail(new TransportError("reset", "The connection was reset while sending"));
  }

  protected override sendEnd(): boolean {
    this.#endSent = true;
    this.#socket.shutdown();
    return true;
  }

  protected override release(): void {
    this.#socket.end();
  }

  protected override destroy(): void {
    this.#rest = undefined;
    this.#socket.terminate();
  }

  onData(bytes: Uint8Array): void {
    this.received(bytes);
  }

  onEnd(): void {
    this.ended();
  }

  broke(error: Error): void {
    this.fail(toTransportError("The connection broke", error));
  }

  /** After our own end, Bun reports the peer's end by `close` and does not call `end`. */
  onClose(error?: Error): void {
    if (error) this.broke(error);
    else if (this.#endSent) this.ended();
    else this.fail(new TransportError("reset", "The socket was closed"));
  }
}
