import type { SocketAddress, SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import { brokenOff, toTransportError } from "./_errors.ts";

/** A connection of a Worker. */
export interface CloudflareDuplex extends SocketDuplex {
  /**
   * Switches a connection that was opened with `starttls` to TLS, once the peer has agreed
   * to it. Returns the secured duplex; this one can no longer be used. No read or write may
   * be in progress, and the streams must not be locked. The handshake completes with the
   * first bytes; the server's certificate must be for the hostname that was connected to.
   * Throws a {@linkcode TransportError} of code `unsupported` on any other connection.
   */
  startTls(): CloudflareDuplex;
}

/** The function `connect` of `cloudflare:sockets`, as far as it is used here. */
export type CloudflareConnect = (
  address: { hostname: string; port: number },
  options: { allowHalfOpen: boolean; secureTransport: "off" | "on" | "starttls" },
) => CloudflareSocket;

/** A socket of `cloudflare:sockets`, as far as it is used here. */
export interface CloudflareSocket {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array>;
  readonly opened: Promise<{ readonly remoteAddress?: string }>;
  readonly closed: Promise<void>;
  readonly secureTransport: string;
  close(): Promise<void>;
  startTls(): CloudflareSocket;
}

/** The memory that a read goes to: how small it starts, and how far it grows with use. */
const MIN_READ = 4 * 1024;
const MAX_READ = 64 * 1024;
/** How many writes in a row may succeed at once before other work gets its turn. */
const WRITES_A_TURN = 16;

/**
 * Over the runtime's streams. Their writable is never aborted: the socket would stay open
 * until the request is over, and the other end would hear of nothing until then. So a
 * connection is broken off by closing it, after the write under way if there is one; that
 * write fails here at once. And without memory of ours a read brings 4 KiB at the most.
 */
export class CloudflareSocketDuplex implements CloudflareDuplex {
  /** A write of the runtime settles when the system has taken the bytes. */
  readonly returnsBuffers = true;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly remoteAddress?: SocketAddress;
  readonly #socket: CloudflareSocket;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  #readSize = MIN_READ;
  #writesInARow = 0;
  /** Ends the write that waits. */
  #onBroken: () => void = () => {};
  #readDone = false;
  #writeDone = false;
  #error: TransportError | undefined;

  constructor(socket: CloudflareSocket, remoteAddress: SocketAddress | undefined) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#reader = socket.readable.getReader({ mode: "byob" });
    this.#writer = socket.writable.getWriter();
    // Whoever reads or writes hears of it there.
    this.#reader.closed.catch(() => {});
    this.#writer.closed.catch(() => {});
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#read(),
      cancel: () => this.#onReadDone(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for the peer. The stream knows of it.
        const { signal } = controller;
        signal.addEventListener("abort", () => void this.#break(brokenOff(signal.reason)));
      },
      write: (chunk) => this.#write(chunk),
      close: async () => {
        await this.#settled(this.#writer.close());
        this.#writeDone = true;
        this.#releaseIfDone();
      },
    });
  }

  startTls(): CloudflareDuplex {
    if (this.#socket.secureTransport !== "starttls") {
      const message = 'Cannot start TLS: the connection was not made with "starttls"';
      throw new TransportError("unsupported", message);
    }
    if (this.#error || this.#readDone || this.#writeDone) {
      throw new TransportError("closed", "Cannot start TLS: the connection has ended");
    }
    this.#reader.releaseLock();
    this.#writer.releaseLock();
    const socket = this.#socket.startTls();
    socket.closed.catch(() => {});
    const error = new TransportError("closed", "The connection has gone over to TLS");
    this.#error = error;
    this.#readDone = this.#writeDone = true;
    this.#source.error(error);
    this.#sink.error(error);
    return new CloudflareSocketDuplex(socket, this.remoteAddress);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    await this.#settled(this.#writer.write(chunk));
    // Between two writes there may be nothing but microtasks, and timers would wait for ever.
    if (++this.#writesInARow < WRITES_A_TURN) return;
    this.#writesInARow = 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  async #read(): Promise<void> {
    let result: ReadableStreamReadResult<Uint8Array>;
    try {
      result = await this.#reader.read(new Uint8Array(this.#readSize));
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#readDone) return;
    if (result.done) {
      this.#source.close();
      this.#onReadDone();
      return;
    }
    this.#writesInARow = 0;
    const { length } = result.value;
    // What is handed out keeps all the memory of its read.
    if (length === this.#readSize) this.#readSize = Math.min(length * 2, MAX_READ);
    else if (length < this.#readSize / 4) this.#readSize = Math.max(this.#readSize / 2, MIN_READ);
    this.#source.enqueue(result.value);
  }

  /** Waits for a write or an end, which fails if the connection broke meanwhile. */
  async #settled(waits: Promise<void>): Promise<void> {
    const broken = new Promise<void>((resolve) => this.#onBroken = resolve);
    try {
      await Promise.race([waits, broken]);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#error) throw this.#error;
  }

  /** The runtime tells that the connection broke; it has one sentence and no code for that. */
  #fail(cause: unknown): void {
    const error = toTransportError("The connection broke", cause, "reset");
    if (this.#break(error)) this.#sink.error(error);
  }

  /** Ends both directions; `false` if they had ended. */
  #break(error: TransportError): boolean {
    if (this.#error || (this.#readDone && this.#writeDone)) return false;
    this.#error = error;
    if (!this.#readDone) this.#source.error(error);
    this.#readDone = this.#writeDone = true;
    this.#onBroken();
    this.#reader.cancel(error).catch(() => {});
    this.#close();
    return true;
  }

  #onReadDone(): void {
    this.#readDone = true;
    this.#releaseIfDone();
  }

  #releaseIfDone(): void {
    if (this.#readDone && this.#writeDone && !this.#error) this.#close();
  }

  #close(): void {
    this.#socket.close().catch(() => {});
  }
}
