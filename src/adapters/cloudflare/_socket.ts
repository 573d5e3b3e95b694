import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import { DuplexBase } from "../../duplex/duplex_base.ts";
import { TransportError } from "../../errors.ts";
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

/**
 * Uses the runtime's streams. Their writable is never aborted: the socket would stay open
 * until the request is over, and the peer would not notice until then. Instead, an abort
 * closes the socket after the write in progress, if any; that write fails here at once.
 * Reads use memory of ours, since without it a read returns at most 4 KiB.
 */
export class CloudflareSocketDuplex extends DuplexBase implements CloudflareDuplex {
  readonly #socket: CloudflareSocket;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #readSize = MIN_READ;
  #reading = false;
  /** Whether the peer, or our end, has been there; and whether the socket went over to TLS. */
  #peerEnded = false;
  #ending = false;
  #passedOn = false;

  constructor(socket: CloudflareSocket, remoteAddress: SocketAddress | undefined) {
    super(remoteAddress);
    this.#socket = socket;
    this.#reader = socket.readable.getReader({ mode: "byob" });
    this.#writer = socket.writable.getWriter();
    // Reads and writes report it.
    this.#reader.closed.catch(() => {});
    this.#writer.closed.catch(() => {});
  }

  /** Nothing is read that nobody asked for: the socket may go over to TLS. */
  protected override get readAhead(): number {
    return 0;
  }

  startTls(): CloudflareDuplex {
    if (this.#socket.secureTransport !== "starttls") {
      const message = 'Cannot start TLS: the connection was not made with "starttls"';
      throw new TransportError("unsupported", message);
    }
    if (this.#peerEnded || this.#ending) {
      throw new TransportError("closed", "Cannot start TLS: the connection has ended");
    }
    this.#reader.releaseLock();
    this.#writer.releaseLock();
    const socket = this.#socket.startTls();
    socket.closed.catch(() => {});
    this.#passedOn = true;
    this.fail(new TransportError("closed", "The connection has gone over to TLS"));
    return new CloudflareSocketDuplex(socket, this.remoteAddress);
  }

  override resume(): void {
    super.resume();
    this.#read();
  }

  override stopReading(): void {
    super.stopReading();
    this.#read();
  }

  protected override flow(): void {}

  protected override hold(): void {}

  #read(): void {
    if (this.#reading || this.#peerEnded || !this.flowing) return;
    this.#reading = true;
    this.#reader.read(new Uint8Array(this.#readSize)).then(this.#onRead, this.#onFailed);
  }

  readonly #onRead = ({ done, value }: ReadableStreamReadResult<Uint8Array>) => {
    this.#reading = false;
    if (done) {
      this.#peerEnded = true;
      return this.ended();
    }
    const { length } = value;
    // A chunk that is handed out keeps all the memory of its read.
    if (length === this.#readSize) this.#readSize = Math.min(length * 2, MAX_READ);
    else if (length < this.#readSize / 4) this.#readSize = Math.max(this.#readSize / 2, MIN_READ);
    this.received(value);
    this.#read();
  };

  /** The runtime reported that the connection broke, which it does without a code. */
  readonly #onFailed = (cause: unknown) =>
    this.fail(toTransportError("The connection broke", cause, "reset"));

  readonly #onTaken = () => this.drained();

  /** The runtime's writes settle when the system has taken the bytes. */
  protected override send(bytes: Uint8Array): boolean {
    this.#writer.write(bytes).then(this.#onTaken, this.#onFailed);
    return false;
  }

  protected override sendEnd(): boolean {
    this.#ending = true;
    this.#writer.close().then(this.#onTaken, this.#onFailed);
    return false;
  }

  protected override release(): void {
    this.#socket.close().catch(() => {});
  }

  protected override destroy(): void {
    this.#peerEnded = this.#ending = true;
    if (this.#passedOn) return;
    this.#reader.cancel().catch(() => {});
    this.release();
  }
}
