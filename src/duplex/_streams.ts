import { checkBytes } from "../check.ts";
import type { Receiver, Transport } from "./duplex.ts";
import { brokenOff, type TransportError } from "../errors.ts";

/** What a chunk counts in addition to its bytes: about the memory of the objects around it. */
export const CHUNK_BYTES = 512;

/** What the streams need of a transport. */
export interface StreamedTransport extends Transport {
  /** Nobody will read any more: what still arrives is dropped. */
  stopReading(): void;
}

/** The streams of a duplex, over its synchronous face, of which they are the receiver. */
export class DuplexStreams implements Receiver {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #readAhead: number;
  readonly #transport: StreamedTransport;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  /** Settles the pending pull: the stream pulls again when it has room. */
  #ebb: () => void = ignore;
  /** Settles the pending write or close. */
  #taken: () => void = ignore;
  #notTaken: (error: unknown) => void = ignore;
  #readDone = false;

  /** `readAhead` is how many unread bytes `readable` buffers. */
  constructor(transport: StreamedTransport, readAhead: number) {
    this.#transport = transport;
    this.#readAhead = readAhead;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#flow(),
      cancel: () => {
        this.#readDone = true;
        transport.stopReading();
      },
    }, { highWaterMark: readAhead, size: (chunk) => chunk.length + CHUNK_BYTES });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for the peer. The stream already
        // knows, and Node 20 fails an assertion if its controller is errored again.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#abort(signal.reason));
      },
      write: (chunk) => {
        this.#check(chunk);
        if (chunk.length > 0 && !transport.write(chunk)) return this.#drained();
      },
      close: () => {
        if (!transport.end()) return this.#drained();
      },
    });
  }

  /** How many unread bytes are buffered, including overhead. */
  get held(): number {
    return this.#readDone ? 0 : this.#readAhead - this.#source.desiredSize!;
  }

  /** Locks both for somebody else; the result reads what is still buffered. Throws if one is locked. */
  lock(): ReadableStreamDefaultReader<Uint8Array> {
    if (this.readable.locked || this.writable.locked) {
      throw new TypeError("Cannot attach: the streams of the duplex are in use");
    }
    this.writable.getWriter().closed.catch(ignore);
    const reader = this.readable.getReader();
    reader.closed.catch(ignore);
    return reader;
  }

  onBytes(bytes: Uint8Array): void {
    this.#source.enqueue(bytes);
    if (this.#source.desiredSize! > 0) return;
    this.#transport.pause();
    this.#ebb();
  }

  onEnd(): void {
    this.#readDone = true;
    this.#source.close();
    this.#ebb();
  }

  onDrain(): void {
    this.#taken();
  }

  onLost(error: TransportError): void {
    this.#over(error);
    this.#sink.error(error);
  }

  #abort(reason: unknown): void {
    this.#over(brokenOff(reason));
    this.#transport.abort(reason);
  }

  /** Whoever writes something else has lost it, so the peer must not take the rest for all. */
  #check(chunk: unknown): void {
    try {
      checkBytes("A chunk", chunk);
    } catch (error) {
      this.#abort(error);
      throw error;
    }
  }

  #over(error: TransportError): void {
    this.#readDone = true;
    this.#source.error(error);
    this.#ebb();
    this.#notTaken(error);
  }

  /** Resumes the flow. Pends while it flows; otherwise the stream would pull for each chunk. */
  #flow(): Promise<void> {
    this.#transport.resume();
    return new Promise((resolve) => this.#ebb = resolve);
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#taken = resolve;
      this.#notTaken = reject;
    });
  }
}

function ignore(): void {}
