/**
 * TCP and Unix sockets over `Deno.connect` and `Deno.listen`.
 *
 * Needs `--allow-net`; Unix sockets need `--allow-read` and `--allow-write` too, and
 * `reusePort` needs `--unstable-net`.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect, listen } from "@protosocket/protosocket/deno";
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
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import type { SocketListener } from "../duplex/listener.ts";
import { onAbort } from "../waits/on_abort.ts";
import { toTransportError } from "./base/_errors.ts";
import { checkKeepAlive } from "./base/_keep_alive.ts";
import {
  asksForTls,
  checkListenOptions,
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  placeOf,
  type SocketPlace,
  unsupported,
} from "./base/_options.ts";
import { ReadTurns } from "./sockets/_read_turns.ts";
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

/** The parts of Deno that are used, declared here so that every type checker knows them. */
interface DenoApi {
  connect(options: object): Promise<DenoConn>;
  listen(options: object): DenoListener;
  /** Exists only with `--unstable-net`. */
  readonly listenDatagram?: unknown;
}

interface DenoConn {
  readonly remoteAddr: DenoAddr;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(noDelay: boolean): void;
  setKeepAlive?(keepAlive: boolean): void;
}

interface DenoListener {
  readonly addr: DenoAddr;
  accept(): Promise<DenoConn>;
  close(): void;
}

interface DenoAddr {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
}

const TURNS = new ReadTurns();
/**
 * The size of the memory that reads go to: where it starts, and how far it grows with use. A
 * connection that is idle waits for a read, and so has some.
 */
const MIN_READ = 256;
const MAX_READ = 64 * 1024;
const NOTHING = new Uint8Array(0);
/** Milliseconds to wait after a failed accept, such as when file descriptors have run out. */
const ACCEPT_PAUSE = 50;

function deno(): DenoApi {
  const { Deno } = globalThis as unknown as { Deno?: DenoApi };
  if (Deno) return Deno;
  throw new TransportError("unsupported", "This adapter needs Deno; use the one of your runtime");
}

/**
 * Connects to a TCP address or a Unix socket, with TLS if `tls` is given. Rejects with a
 * {@linkcode TransportError}.
 */
export async function connect(options: ConnectOptions): Promise<SocketDuplex> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).connectTls(options);
  const place = placeOf(options, 1);
  const { signal } = options;
  // Those of `node:net`, which ./node has, can set more.
  checkKeepAlive(options.keepAlive, []);
  if (signal?.aborted) throw connectAborted(signal);
  const cancel = signal && cancelledBy(signal);
  let conn: DenoConn;
  try {
    conn = await deno().connect({ ...target(place), signal: cancel?.signal });
  } catch (error) {
    if (signal?.aborted) throw connectAborted(signal);
    throw toTransportError(`Cannot connect to ${describe(place)}`, error);
  } finally {
    cancel?.release();
  }
  if (signal?.aborted) {
    conn.close();
    throw connectAborted(signal);
  }
  return toDuplex(conn, options);
}

/** A signal for Deno that fires with another, until it is released. */
function cancelledBy(signal: AbortSignal): { signal: AbortSignal; release: () => void } {
  const cancel = new AbortController();
  // Deno asks it when it has connected, too, and would drop the connection without closing it.
  cancel.signal.throwIfAborted = () => {};
  return { signal: cancel.signal, release: onAbort(signal, () => cancel.abort()) };
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. `reusePort` needs `--unstable-net`; Deno cannot set
 * the `backlog` of a Unix socket.
 */
export async function listen(options: ListenOptions): Promise<SocketListener> {
  if (asksForTls(options)) return (await import("./sockets/_tls.ts")).listenTls(options);
  if (options.proxyProtocol !== undefined) {
    return (await import("./sockets/_net_listen.ts")).listenProxied(options);
  }
  const place = placeOf(options, 0);
  checkListenOptions(options);
  checkKeepAlive(options.keepAlive, []);
  const { backlog, reusePort = false } = options;
  if (backlog !== undefined && place.kind === "unix") {
    throw unsupported("backlog", "Deno cannot set it for Unix sockets");
  }
  // Without the flag, Deno does not throw: it exits the process.
  if (reusePort && deno().listenDatagram === undefined) {
    throw unsupported("reusePort", "Deno has it with --unstable-net only");
  }
  let listener: DenoListener;
  try {
    listener = deno().listen({ ...target(place), reusePort, tcpBacklog: backlog });
  } catch (error) {
    throw toTransportError(`Cannot listen on ${describe(place)}`, error);
  }
  const state: Accepting = { closed: false, next: undefined };
  const accepted = {
    [Symbol.asyncIterator]: () => accept(listener, options, state),
  };
  return socketListenerOf(addressOf(listener.addr), accepted, () => {
    state.closed = true;
    listener.close();
    // Only then is the file of a Unix socket gone.
    return state.next?.then(ignore, ignore);
  });
}

/** What a loop that accepts, and what closes it, know of each other. */
interface Accepting {
  closed: boolean;
  /** The last accept, which may be over. */
  next: Promise<DenoConn> | undefined;
}

function ignore(): void {}

async function* accept(
  listener: DenoListener,
  options: ListenOptions,
  state: Accepting,
): AsyncGenerator<SocketDuplex, void> {
  while (!state.closed) {
    let conn: DenoConn;
    try {
      conn = await (state.next = listener.accept());
    } catch {
      if (state.closed) return;
      // The connection went away before it was accepted, or file descriptors have run out.
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
      continue;
    }
    yield toDuplex(conn, options);
  }
}

function target(place: SocketPlace): object {
  return place.kind === "unix"
    ? { transport: "unix", path: place.path }
    : { transport: "tcp", hostname: place.hostname, port: place.port };
}

function addressOf(addr: DenoAddr): SocketAddress {
  return addr.transport === "tcp"
    ? { transport: "tcp", hostname: addr.hostname ?? "", port: addr.port ?? 0 }
    : { transport: "unix", path: addr.path ?? "" };
}

function toDuplex(
  conn: DenoConn,
  { noDelay = true, keepAlive }: ConnectOptions | ListenOptions,
): SocketDuplex {
  try {
    conn.setNoDelay?.(noDelay);
    if (keepAlive) conn.setKeepAlive?.(true);
  } catch {
    // The peer has already gone; the first read will fail.
  }
  return new DenoDuplex(conn);
}

/**
 * Uses `read` and `write`: `conn.readable` would close the whole connection when the peer
 * ends, and hold 64 KiB while it is idle.
 */
class DenoDuplex extends SocketBase {
  readonly #conn: DenoConn;
  /**
   * What is left of the memory that reads go to: chunks that were handed out are never
   * overwritten.
   */
  #room: Uint8Array | undefined;
  #reading = false;
  #held = true;
  /** What is being written, and how much of it the system has taken. */
  #bytes: Uint8Array = NOTHING;
  #sent = 0;
  #writing = false;

  constructor(conn: DenoConn) {
    super(addressOf(conn.remoteAddr));
    this.#conn = conn;
  }

  override get unsent(): number {
    return this.#bytes.length - this.#sent;
  }

  protected override flow(): void {
    this.#held = false;
    if (!this.#reading) this.#read();
  }

  protected override hold(): void {
    this.#held = true;
  }

  #read(): void {
    this.#reading = true;
    this.#conn.read(this.#makeRoom()).then(this.#onRead, this.#onFailed);
  }

  readonly #onRead = (count: number | null) => {
    const wait = count === null ? undefined : TURNS.next(count);
    if (wait) wait.then(() => this.#take(count));
    else this.#take(count);
  };

  #take(count: number | null): void {
    this.#reading = false;
    if (count === null) return this.ended();
    const room = this.#room!;
    if (room.length === 0) return this.fail(transferred());
    this.#room = room.subarray(count);
    this.received(room.subarray(0, count));
    if (!this.#held && !this.#reading) this.#read();
  }

  readonly #onFailed = (error: unknown) =>
    this.fail(toTransportError("The connection broke", error));

  /** Room for a read: the rest of a slab, or a new slab, twice as large if reads fill it. */
  #makeRoom(): Uint8Array {
    const room = this.#room;
    // It has been handed out, so whoever has some of it may have transferred it: then it is 0.
    const length = room?.buffer.byteLength ?? 0;
    if (room && length > 0 && room.length * 4 >= length) return room;
    const filled = length > 0 && room!.length === 0;
    const size = filled ? Math.min(length * 2, MAX_READ) : length || MIN_READ;
    return this.#room = new Uint8Array(size);
  }

  protected override send(bytes: Uint8Array): boolean {
    this.#bytes = bytes;
    this.#sent = 0;
    this.#writing = true;
    this.#conn.write(bytes).then(this.#onSent, this.#onFailed);
    return false;
  }

  readonly #onSent = (count: number) => {
    this.#sent += count;
    if (this.unsent > 0) {
      this.#conn.write(this.#bytes.subarray(this.#sent)).then(this.#onSent, this.#onFailed);
      return;
    }
    this.#bytes = NOTHING;
    this.#sent = 0;
    this.#writing = false;
    this.drained();
  };

  protected override probe(): void {
    // A Unix socket whose peer has closed in order, with bytes to be read, refuses writes too.
    if (this.#writing || this.remoteAddress?.transport !== "tcp") return;
    this.#conn.write(NOTHING).catch(this.#onFailed);
  }

  protected override sendEnd(): boolean {
    this.#writing = true;
    this.#conn.closeWrite().then(() => this.drained(), this.#onFailed);
    return false;
  }

  protected override release(): void {
    this.destroy();
  }

  protected override destroy(): void {
    this.#held = true;
    this.#conn.close();
  }
}

function transferred(): TransportError {
  const message = "Bytes were lost: the memory of a message was transferred (postMessage, " +
    "structuredClone) while it was being read to; copy it, or do so from within the reactor";
  return new TransportError("other", message);
}
