import type { Duplex } from "./duplex.ts";
import { DuplexBase } from "./duplex_base.ts";
import { TransportError } from "../errors.ts";
import { Fifo } from "../waits/fifo.ts";
import { integer, MAX_DELAY } from "../check.ts";

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

/** After this many chunks that were handed over, the event loop gets a turn. */
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
  integer("capacity", capacity, 1, 2 ** 32);
  const each = {
    capacity,
    chunkSize: asFunction("chunkSize", chunkSize, 1, 2 ** 32),
    delay: asFunction("delay", delay, 0, MAX_DELAY),
  };
  const a = new PairEnd(each);
  const b = new PairEnd(each);
  a.join(b);
  b.join(a);
  return [a, b];
}

function asFunction(name: string, value: number | (() => number), min: number, max: number) {
  if (typeof value === "function") return () => integer(name, value(), min, max);
  integer(name, value, min, max);
  return () => value;
}

interface PairOptions {
  readonly capacity: number;
  readonly chunkSize: () => number;
  readonly delay: () => number;
}

/** One end. It holds what the other end has sent, and what it is sending itself. */
class PairEnd extends DuplexBase {
  readonly #options: PairOptions;
  #peer!: PairEnd;
  /** What of the write under way has not got into the other end's buffer. */
  #rest: Uint8Array | undefined;
  /** Runs while a chunk is on its way. */
  #delay: ReturnType<typeof setTimeout> | undefined;
  #arrived = new Fifo<Uint8Array>();
  #arrivedBytes = 0;
  /** Whether the other end has ended its direction, after all that has arrived. */
  #peerEnded = false;
  #delivering = false;
  #delivered = 0;
  #gone = false;

  constructor(options: PairOptions) {
    super();
    this.#options = options;
  }

  join(peer: PairEnd): void {
    this.#peer = peer;
  }

  override get unsent(): number {
    return this.#rest?.length ?? 0;
  }

  /** The buffer is here. */
  protected override get readAhead(): number {
    return 0;
  }

  override resume(): void {
    super.resume();
    this.#deliverSoon();
  }

  override stopReading(): void {
    super.stopReading();
    this.#deliverSoon();
  }

  protected override flow(): void {}

  protected override hold(): void {}

  protected override send(bytes: Uint8Array): boolean {
    if (this.#peer.#gone) return this.#breakSoon(reset("the other end is gone")), false;
    this.#rest = bytes;
    return this.#move();
  }

  protected override sendEnd(): boolean {
    this.#peer.#peerEnded = true;
    this.#peer.#deliverSoon();
    return true;
  }

  /** Nothing can be sent to an end that wants no more, as with a socket that was closed. */
  protected override release(): void {
    this.#gone = true;
    if (this.#peer.#rest) this.#peer.#breakSoon(reset("the other end reads no more"));
  }

  protected override destroy(): void {
    this.#gone = true;
    clearTimeout(this.#delay);
    this.#rest = undefined;
    this.#arrived.clear();
    this.#arrivedBytes = 0;
    this.#peer.#breakSoon(reset("the other end aborted"));
  }

  #breakSoon(error: TransportError): void {
    queueMicrotask(() => this.fail(error));
  }

  /** Moves what there is room for; returns whether that was all. */
  #move(): boolean {
    try {
      while (this.#rest && this.#delay === undefined && this.#peer.#hasRoom) {
        const delay = this.#options.delay();
        if (delay > 0) this.#delay = setTimeout(this.#onDelayed, delay);
        else this.#moveChunk();
      }
    } catch (cause) {
      // A function given as an option threw: nothing more can be carried.
      const message = `The connection broke: an option threw: ${cause}`;
      this.#breakSoon(new TransportError("other", message, { cause }));
    }
    return !this.#rest;
  }

  readonly #onDelayed = () => {
    this.#delay = undefined;
    this.#moveChunk();
    if (this.#move()) this.drained();
  };

  #moveChunk(): void {
    const bytes = this.#rest!;
    const size = this.#options.chunkSize();
    this.#rest = size < bytes.length ? bytes.subarray(size) : undefined;
    this.#peer.#arrive(new Uint8Array(bytes.subarray(0, size)));
  }

  get #hasRoom(): boolean {
    return this.#arrivedBytes < this.#options.capacity;
  }

  #arrive(chunk: Uint8Array): void {
    if (this.#gone) return;
    this.#arrived.push(chunk);
    this.#arrivedBytes += chunk.length;
    this.#deliverSoon();
  }

  /** Never from within the writer's stack: two ends that answer each other would fill it. */
  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(this.#deliver);
  }

  readonly #deliver = () => {
    this.#delivering = false;
    while (this.flowing && this.#arrivedBytes > 0) {
      if (this.#delivered === CHUNKS_A_TURN) {
        this.#delivered = 0;
        this.#delivering = true;
        return this.later(this.#deliver);
      }
      this.#delivered++;
      const chunk = this.#arrived.shift();
      this.#arrivedBytes -= chunk.length;
      this.received(chunk);
      if (this.#peer.#rest && this.#peer.#move()) this.#peer.drained();
    }
    if (this.#peerEnded && this.#arrivedBytes === 0) this.ended();
  };
}

function reset(why: string): TransportError {
  return new TransportError("reset", `The connection was reset: ${why}`);
}
