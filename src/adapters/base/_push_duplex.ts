import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import { brokenOff, type TransportError } from "../../errors.ts";
import { toTransportError } from "./_errors.ts";

/** How many unread bytes are buffered before the socket is paused. */
const HIGH_WATER_MARK = 64 * 1024;
/** What a chunk counts in addition to its bytes: about the memory of the objects around it. */
const CHUNK_BYTES = 512;

/** How a {@linkcode PushDuplex} controls the socket that pushes into it. */
export interface PushTransport {
  /** See {@linkcode SocketDuplex.returnsBuffers}. */
  readonly returnsBuffers?: boolean;
  /** Stops the calls of {@linkcode PushDuplex.push}. */
  pause(): void;
  /** Resumes them. */
  resume(): void;
  /**
   * Sends bytes; settles once they are no longer needed, at the latest after
   * {@linkcode destroy}, either way.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Ends our direction, after everything that was written. Settles like a write. */
  end(): void | Promise<void>;
  /** Both directions have ended: releases the socket. */
  release(): void;
  /** Aborts the connection. */
  destroy(): void;
}

/** Makes a {@linkcode SocketDuplex} from a socket that delivers data by callbacks. */
export class PushDuplex implements SocketDuplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly remoteAddress?: SocketAddress;
  readonly alpnProtocol?: string;
  readonly returnsBuffers: boolean;
  readonly #transport: PushTransport;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  #paused = false;
  /** Settles the pending pull: the stream pulls again when it has room. */
  #ebb: () => void = () => {};
  #readDone = false;
  #writeDone = false;
  #error: TransportError | undefined;

  constructor(transport: PushTransport, remoteAddress?: SocketAddress, alpnProtocol?: string) {
    this.#transport = transport;
    this.remoteAddress = remoteAddress;
    this.alpnProtocol = alpnProtocol;
    this.returnsBuffers = transport.returnsBuffers ?? false;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#flow(),
      cancel: () => this.#onReadDone(),
    }, { highWaterMark: HIGH_WATER_MARK, size: (chunk) => chunk.length + CHUNK_BYTES });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for the peer. The stream already
        // knows, and Node 20 fails an assertion if its controller is errored again.
        const { signal } = controller;
        signal.addEventListener("abort", () => void this.#break(brokenOff(signal.reason)));
      },
      write: (chunk) => {
        const taken = transport.write(chunk);
        return taken && this.#settled(taken);
      },
      close: async () => {
        await this.#settled(transport.end());
        this.#writeDone = true;
        this.#releaseIfDone();
      },
    });
  }

  /** How many unread bytes are buffered, including overhead. */
  get held(): number {
    return this.#readDone ? 0 : HIGH_WATER_MARK - this.#source.desiredSize!;
  }

  /** Bytes have arrived; their memory must never be written again. */
  push({ buffer, byteOffset, length }: Uint8Array): void {
    if (this.#readDone) return;
    // Convert a Buffer to a plain Uint8Array: its `slice` does not copy.
    this.#source.enqueue(new Uint8Array(buffer, byteOffset, length));
    if (this.#source.desiredSize! <= 0 && !this.#paused) {
      this.#paused = true;
      this.#transport.pause();
      this.#ebb();
    }
  }

  /** The peer has ended its direction. */
  end(): void {
    if (this.#readDone) return;
    this.#source.close();
    this.#onReadDone();
  }

  /** The connection broke. May be called again. */
  fail(error: TransportError): void {
    if (this.#break(error)) this.#sink.error(error);
  }

  /** Ends both directions; returns `false` if they had already ended. */
  #break(error: TransportError): boolean {
    if (this.#error || (this.#readDone && this.#writeDone)) return false;
    this.#error = error;
    if (!this.#readDone) this.#source.error(error);
    this.#readDone = this.#writeDone = true;
    this.#transport.destroy();
    return true;
  }

  /** Waits for a write or an end; throws if the connection broke meanwhile. */
  async #settled(waits: void | Promise<void>): Promise<void> {
    try {
      await waits;
    } catch (error) {
      this.fail(toTransportError("The connection broke", error));
    }
    if (this.#error) throw this.#error;
  }

  /** Resumes the flow. Pends while it flows; otherwise the stream would pull for each chunk. */
  #flow(): Promise<void> {
    if (this.#paused) {
      this.#paused = false;
      this.#transport.resume();
    }
    return new Promise((resolve) => this.#ebb = resolve);
  }

  #onReadDone(): void {
    this.#readDone = true;
    this.#releaseIfDone();
  }

  #releaseIfDone(): void {
    if (this.#readDone && this.#writeDone && !this.#error) this.#transport.release();
  }
}
