import type { Duplex } from "./duplex.ts";
import { TransportError } from "./errors.ts";
import { checkOption, MAX_DELAY } from "./options.ts";

/** Options of {@linkcode duplexPair}. An option given as a function is called for each chunk. */
export interface DuplexPairOptions {
  /**
   * How many bytes each direction buffers before a write waits. From 1 to 2^32.
   *
   * @default {65536}
   */
  readonly capacity?: number;
  /**
   * The largest chunk that the reader gets, in bytes. From 1 to 2^32.
   *
   * @default {65536}
   */
  readonly chunkSize?: number | (() => number);
  /**
   * Milliseconds that a chunk takes to arrive. From 0 to 2,147,483,647.
   *
   * @default {0}
   */
  readonly delay?: number | (() => number);
}

/** After this many chunks without a delay, yield to the event loop. */
const CHUNKS_A_TURN = 16;

/**
 * Makes two duplexes joined in memory: what is written to one is read from the other.
 * For tests, and for peers in the same process. It behaves like a socket: bytes are
 * copied, each direction closes on its own, and an abort at one end resets the other.
 * Throws a `RangeError` for an option out of range.
 *
 * @example
 * ```ts
 * import { duplexPair } from "@protosocket/protosocket";
 *
 * const [a, b] = duplexPair({ chunkSize: 1 });
 * const writer = a.writable.getWriter();
 * writer.write(new Uint8Array([1, 2]));
 * writer.close();
 * console.log((await Array.fromAsync(b.readable)).length); // 2
 * ```
 */
export function duplexPair(options: DuplexPairOptions = {}): [Duplex, Duplex] {
  const { capacity = 65536, chunkSize = 65536, delay = 0 } = options;
  checkOption("capacity", capacity, 1, 2 ** 32);
  const each = {
    capacity,
    chunkSize: asFunction("chunkSize", chunkSize, 1, 2 ** 32),
    delay: asFunction("delay", delay, 0, MAX_DELAY),
  };
  const there = new Direction(each);
  const back = new Direction(each);
  // As with a socket, one end's abort breaks both directions.
  there.onAbort = (error) => back.breakReadable(error);
  back.onAbort = (error) => there.breakReadable(error);
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}

function asFunction(name: string, value: number | (() => number), min: number, max: number) {
  if (typeof value === "function") return () => checkOption(name, value(), min, max);
  checkOption(name, value, min, max);
  return () => value;
}

interface DirectionOptions {
  readonly capacity: number;
  readonly chunkSize: () => number;
  readonly delay: () => number;
}

/** One direction: a bounded buffer between a writable and a readable. */
class Direction {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** Called when the writing end aborts, with the error of its streams. */
  onAbort: (error: TransportError) => void = () => {};
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  #options: DirectionOptions;
  #broken: TransportError | undefined;
  /** Wakes the write that is waiting for room or for the delay. */
  #wakeUp: () => void = () => {};
  #chunks = 0;

  constructor(options: DirectionOptions) {
    this.#options = options;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#wakeUp(),
      cancel: () => this.#stop(reset("the other end reads no more")),
    }, { highWaterMark: options.capacity, size: (chunk) => chunk.length });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for room. The stream knows of it
        // already, and Node 20 fails an assertion if its controller is errored again.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#abort(signal.reason));
      },
      write: (chunk) =>
        this.#write(chunk).catch((error) => {
          // A function given as an option threw: nothing more can be carried.
          if (!this.#broken) this.#abort(error);
          throw error;
        }),
      close: () => this.#source.close(),
    });
  }

  /** The reading end aborted with `error`; the writing end must see it too. */
  breakReadable(error: TransportError): void {
    this.#source.error(error);
    this.#stop(reset("the other end aborted"));
  }

  #abort(reason: unknown): void {
    const error = new TransportError("aborted", "The connection was broken off by this end", {
      cause: reason,
    });
    this.#broken ??= error;
    this.#source.error(reset("the other end aborted"));
    this.#wakeUp();
    this.onAbort(error);
  }

  #stop(error: TransportError): void {
    if (this.#broken) return;
    this.#broken = error;
    this.#sink.error(error);
    this.#wakeUp();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const delay = this.#options.delay();
      if (delay > 0 || ++this.#chunks % CHUNKS_A_TURN === 0) await this.#sleep(delay);
      while (!this.#broken && this.#source.desiredSize! <= 0) {
        await new Promise<void>((resolve) => this.#wakeUp = resolve);
      }
      if (this.#broken) throw this.#broken;
      const end = Math.min(at + this.#options.chunkSize(), chunk.length);
      this.#source.enqueue(chunk.slice(at, end));
      at = end;
    }
  }

  #sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wakeUp = () => {
        if (this.#broken) clearTimeout(timer), resolve();
      };
    });
  }
}

function reset(why: string): TransportError {
  return new TransportError("reset", `The connection was reset: ${why}`);
}
