import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import { brokenOff, TransportError } from "../../errors.ts";
import { toTransportError } from "../base/_errors.ts";

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

/** The part of `connect` of `cloudflare:sockets` that is used. */
export type CloudflareConnect = (
  address: { hostname: string; port: number },
  options: { allowHalfOpen: boolean; secureTransport: "off" | "on" | "starttls" },
) => CloudflareSocket;

/** The part of a socket of `cloudflare:sockets` that is used. */
export interface CloudflareSocket {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array>;
  readonly opened: Promise<{ readonly remoteAddress?: string }>;
  readonly closed: Promise<void>;
  readonly secureTransport: string;
  close(): Promise<void>;
  startTls(): CloudflareSocket;
}

/** The size of the memory that a read goes to: where it starts, and how far it grows with use. */
const MIN_READ = 4 * 1024;
const MAX_READ = 64 * 1024;
/** How many writes in a row may succeed at once before yielding to the event loop. */
const WRITES_A_TURN = 16;

/**
 * Uses the runtime's streams. Their writable is never aborted: the socket would stay open
 * until the request is over, and the peer would not notice until then. Instead, an abort
 * closes the socket after the write in progress, if any; that write fails here at once.
 * Reads use memory of ours, since without it a read returns at most 4 KiB.
 */
export class CloudflareSocketDuplex implements CloudflareDuplex {
  /** The runtime's writes settle when the system has taken the bytes. */
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
  /** Ends the pending write. */
  #onBroken: () => void = () => {};
  #readDone = false;
  #writeDone = false;
  #error: TransportError | undefined;

  constructor(socket: CloudflareSocket, remoteAddress: SocketAddress | undefined) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#reader = socket.readable.getReader({ mode: "byob" });
    this.#writer = socket.writable.getWriter();
    // Reads and writes report it.
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
        // An abort must not wait for a write that waits for the peer. The stream already knows.
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
    // Between two writes there may be only microtasks, which would starve timers.
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
    // A chunk that is handed out keeps all the memory of its read.
    if (length === this.#readSize) this.#readSize = Math.min(length * 2, MAX_READ);
    else if (length < this.#readSize / 4) this.#readSize = Math.max(this.#readSize / 2, MIN_READ);
    this.#source.enqueue(result.value);
  }

  /** Waits for a write or an end; throws if the connection broke meanwhile. */
  async #settled(waits: Promise<void>): Promise<void> {
    const broken = new Promise<void>((resolve) => this.#onBroken = resolve);
    try {
      await Promise.race([waits, broken]);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#error) throw this.#error;
  }

  /** The runtime reported that the connection broke, which it does without a code. */
  #fail(cause: unknown): void {
    const error = toTransportError("The connection broke", cause, "reset");
    if (this.#break(error)) this.#sink.error(error);
  }

  /** Ends both directions; returns `false` if they had already ended. */
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
