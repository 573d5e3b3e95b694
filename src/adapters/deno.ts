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
import type { SocketAddress, SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../listener.ts";
import { brokenOff, toTransportError } from "./_errors.ts";
import {
  asksForTls,
  checkListenOptions,
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  type Place,
  placeOf,
  unsupported,
} from "./_options.ts";
import { ReadTurns } from "./_read_turns.ts";

export type {
  ConnectOptions,
  ListenOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from "./_options.ts";

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

/** The size of the memory that reads go to: where it starts, and how far it grows with use. */
const TURNS = new ReadTurns();
const MIN_READ = 2 * 1024;
const MAX_READ = 64 * 1024;
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
  if (asksForTls(options)) return (await import("./_tls.ts")).connectTls(options);
  const place = placeOf(options, 1);
  const { signal } = options;
  if (signal?.aborted) throw connectAborted(signal);
  let conn: DenoConn;
  try {
    conn = await deno().connect({ ...target(place), signal });
  } catch (error) {
    if (signal?.aborted) throw connectAborted(signal);
    throw toTransportError(`Cannot connect to ${describe(place)}`, error);
  }
  if (signal?.aborted) {
    conn.close();
    throw connectAborted(signal);
  }
  return toDuplex(conn, options);
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a
 * {@linkcode TransportError}. `reusePort` needs `--unstable-net`; Deno cannot set
 * the `backlog` of a Unix socket.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  if (asksForTls(options)) return (await import("./_tls.ts")).listenTls(options);
  const place = placeOf(options, 0);
  checkListenOptions(options);
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
  let closed = false;
  // deno-lint-ignore require-await
  const close = async () => {
    if (closed) return;
    closed = true;
    listener.close();
  };
  return {
    address: addressOf(listener.addr),
    close,
    [Symbol.asyncIterator]: () => accept(listener, options, () => closed),
    [Symbol.asyncDispose]: close,
  };
}

async function* accept(
  listener: DenoListener,
  options: ListenOptions,
  isClosed: () => boolean,
): AsyncGenerator<SocketDuplex, void> {
  while (!isClosed()) {
    let conn: DenoConn;
    try {
      conn = await listener.accept();
    } catch {
      if (isClosed()) return;
      // The connection went away before it was accepted, or file descriptors have run out.
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
      continue;
    }
    yield toDuplex(conn, options);
  }
}

function target(place: Place): object {
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
  { noDelay = true, keepAlive = false }: ConnectOptions | ListenOptions,
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
class DenoDuplex implements SocketDuplex {
  readonly returnsBuffers = true;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly remoteAddress: SocketAddress;
  readonly #conn: DenoConn;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  /** Each read gets a new part of it, so chunks that were handed out are never overwritten. */
  #slab = new Uint8Array(MIN_READ);
  #used = 0;
  #readDone = false;
  #writeDone = false;
  #error: TransportError | undefined;
  #closed = false;

  constructor(conn: DenoConn) {
    this.#conn = conn;
    this.remoteAddress = addressOf(conn.remoteAddr);
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#read(),
      cancel: () => this.#onReadDone(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for the peer. The stream already knows.
        const { signal } = controller;
        signal.addEventListener("abort", () => void this.#break(brokenOff(signal.reason)));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
    });
  }

  async #read(): Promise<void> {
    let count: number | null;
    try {
      count = await this.#conn.read(this.#room());
    } catch (error) {
      return void this.#fail(error);
    }
    const wait = count === null ? undefined : TURNS.next(count);
    if (wait) await wait;
    if (this.#readDone) return;
    if (count === null) {
      this.#source.close();
      this.#onReadDone();
    } else {
      this.#source.enqueue(this.#slab.subarray(this.#used, this.#used += count));
    }
  }

  /** Room for a read: the rest of the slab, or a new slab, twice as large if reads fill it. */
  #room(): Uint8Array {
    const { length } = this.#slab;
    if (this.#used === length) {
      this.#slab = new Uint8Array(Math.min(length * 2, MAX_READ));
      this.#used = 0;
    } else if (length - this.#used < length / 4) {
      this.#slab = new Uint8Array(length);
      this.#used = 0;
    }
    return this.#used === 0 ? this.#slab : this.#slab.subarray(this.#used);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) {
        at += await this.#conn.write(at === 0 ? chunk : chunk.subarray(at));
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #end(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#writeDone = true;
    this.#closeIfDone();
  }

  /** Deno reported that the connection broke; returns the error that ended it, perhaps an earlier one. */
  #fail(cause: unknown): TransportError {
    const error = toTransportError("The connection broke", cause);
    if (this.#break(error)) this.#sink.error(error);
    return this.#error ?? error;
  }

  /** Ends both directions; returns `false` if they had already ended. */
  #break(error: TransportError): boolean {
    if (this.#closed) return false;
    this.#error = error;
    if (!this.#readDone) this.#source.error(error);
    this.#readDone = this.#writeDone = true;
    this.#closeIfDone();
    return true;
  }

  #onReadDone(): void {
    this.#readDone = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (!this.#readDone || !this.#writeDone || this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}
