import type { SocketAddress, SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";

/** How many bytes that nobody reads are held before the socket is paused. */
const HIGH_WATER_MARK = 64 * 1024;

/** What a {@linkcode PushDuplex} does with the socket that pushes into it. */
export interface PushTransport {
  /** Stops the flow of {@linkcode PushDuplex.push}. */
  pause(): void;
  /** Lets it flow again. */
  resume(): void;
  /** Sends bytes; settles, at once or later, when they are no longer needed. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Tells the peer that no more will come, after all that was written. */
  end(): void | Promise<void>;
  /** Both directions have ended: lets go of the socket. */
  release(): void;
  /** Breaks the connection off; a write that waits may be left waiting. */
  destroy(): void;
}

/** Makes a {@linkcode SocketDuplex} of a socket that calls back when data has come. */
export class PushDuplex implements SocketDuplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly remoteAddress?: SocketAddress;
  readonly #transport: PushTransport;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  #paused = false;
  #readDone = false;
  #writeDone = false;
  #failed = false;

  constructor(transport: PushTransport, remoteAddress?: SocketAddress) {
    this.#transport = transport;
    this.remoteAddress = remoteAddress;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#resume(),
      cancel: () => this.#onReadDone(),
    }, { highWaterMark: HIGH_WATER_MARK, size: (chunk) => chunk.length });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for the peer.
        controller.signal.addEventListener(
          "abort",
          () =>
            this.fail(
              new TransportError("aborted", "The connection was broken off by this end", {
                cause: controller.signal.reason,
              }),
            ),
        );
      },
      write: (chunk) => transport.write(chunk),
      close: async () => {
        await transport.end();
        this.#writeDone = true;
        this.#releaseIfDone();
      },
    });
  }

  /** The peer sent bytes; they must never be written again. */
  push(bytes: Uint8Array): void {
    if (this.#readDone) return;
    this.#source.enqueue(bytes);
    if (this.#source.desiredSize! <= 0 && !this.#paused) {
      this.#paused = true;
      this.#transport.pause();
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
    if (this.#failed || (this.#readDone && this.#writeDone)) return;
    this.#failed = true;
    if (!this.#readDone) this.#source.error(error);
    this.#sink.error(error);
    this.#readDone = this.#writeDone = true;
    this.#transport.destroy();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#transport.resume();
  }

  #onReadDone(): void {
    this.#readDone = true;
    this.#releaseIfDone();
  }

  #releaseIfDone(): void {
    if (this.#readDone && this.#writeDone && !this.#failed) this.#transport.release();
  }
}
