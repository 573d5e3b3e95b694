import type { SocketAddress, SocketDuplex } from "../duplex.ts";
import type { TransportError } from "../errors.ts";
import { brokenOff, toTransportError } from "./_errors.ts";

/** How many bytes that nobody reads are held before the socket is paused. */
const HIGH_WATER_MARK = 64 * 1024;
/** What a chunk counts besides its bytes: the objects around it take about as much memory. */
const CHUNK_BYTES = 512;

/** What a {@linkcode PushDuplex} does with the socket that pushes into it. */
export interface PushTransport {
  /** See {@linkcode SocketDuplex.returnsBuffers}. */
  readonly returnsBuffers?: boolean;
  /** Stops the flow of {@linkcode PushDuplex.push}. */
  pause(): void;
  /** Lets it flow again. */
  resume(): void;
  /**
   * Sends bytes; settles, at once or later, when they are no longer needed: at the
   * latest after {@linkcode destroy}, with whatever outcome.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Tells the peer that no more will come, after all that was written. Settles like a write. */
  end(): void | Promise<void>;
  /** Both directions have ended: lets go of the socket. */
  release(): void;
  /** Breaks the connection off. */
  destroy(): void;
}

/** Makes a {@linkcode SocketDuplex} of a socket that calls back when data has come. */
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
  /** Ends the flow: the stream asks again when it has room. */
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
        // An abort must not wait for a write that waits for the peer. The stream knows of
        // it already, and Node 20 fails an assertion if its controller is told again.
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

  /** How many bytes are held that nobody has read, with what they cost besides. */
  get held(): number {
    return this.#readDone ? 0 : HIGH_WATER_MARK - this.#source.desiredSize!;
  }

  /** The peer sent bytes; they must never be written again. */
  push({ buffer, byteOffset, length }: Uint8Array): void {
    if (this.#readDone) return;
    // What comes is a Buffer, and those differ: `slice` of one is no copy.
    this.#source.enqueue(new Uint8Array(buffer, byteOffset, length));
    if (this.#source.desiredSize! <= 0 && !this.#paused) {
      this.#paused = true;
      this.#transport.pause();
      this.#ebb();
    }
  }

  /** The peer sends no more. */
  end(): void {
    if (this.#readDone) return;
    this.#source.close();
    this.#onReadDone();
  }

  /** The connection broke. May be called again. */
  fail(error: TransportError): void {
    if (this.#break(error)) this.#sink.error(error);
  }

  /** Ends both directions; `false` if they had ended. */
  #break(error: TransportError): boolean {
    if (this.#error || (this.#readDone && this.#writeDone)) return false;
    this.#error = error;
    if (!this.#readDone) this.#source.error(error);
    this.#readDone = this.#writeDone = true;
    this.#transport.destroy();
    return true;
  }

  /** Waits for a write or an end, which fails if the connection broke meanwhile. */
  async #settled(waits: void | Promise<void>): Promise<void> {
    try {
      await waits;
    } catch (error) {
      this.fail(toTransportError("The connection broke", error));
    }
    if (this.#error) throw this.#error;
  }

  /** There is room. Pends while it flows: else the stream would ask for each chunk. */
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
