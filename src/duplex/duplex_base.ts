import { CHUNK_BYTES, DuplexStreams } from "./_streams.ts";
import type { Receiver, SocketDuplex, Transport } from "./duplex.ts";
import { brokenOff, type TransportError } from "../errors.ts";
import { Fifo } from "../waits/fifo.ts";
import type { SocketAddress } from "../socket_address.ts";

/**
 * How many writes in a row may be taken at once before the event loop gets a turn. Between
 * two of them there may be only microtasks, which would starve timers and other sockets.
 */
const WRITES_A_TURN = 16;
/**
 * How often, in milliseconds, a transport that has been stopped is asked whether the peer is
 * still there: with reading, the news of a reset stops too.
 */
export const PROBE_INTERVAL = 1000;
/** How many unread bytes the streams of a socket buffer. */
const READ_AHEAD = 64 * 1024;

/** The streams, which own the duplex or are of no use. */
interface StreamsFace {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** See {@linkcode DuplexStreams.held}. */
  readonly held: number;
  /** See {@linkcode DuplexStreams.lock}. */
  lock(): ReadableStreamDefaultReader<Uint8Array>;
}

/** Receives nothing, after an abort. */
const NOBODY: Receiver = { onBytes() {}, onEnd() {}, onDrain() {}, onLost() {} };

/**
 * The state of a duplex, and both its faces; a transport fills in the hooks. The runtime's
 * callbacks call {@linkcode received}, {@linkcode ended}, {@linkcode drained} and
 * {@linkcode fail}. The streams are made when somebody asks for them.
 */
export abstract class DuplexBase implements SocketDuplex, Transport {
  readonly remoteAddress?: SocketAddress;
  readonly alpnProtocol?: string;
  #receiver: Receiver | undefined;
  /** Whether the receiver is not our own streams. */
  #attached = false;
  #streams: StreamsFace | undefined;
  /** Whether the receiver wants bytes. */
  #flowing = false;
  /** Whether the transport has been told not to deliver; it begins so. */
  #stopped = true;
  /** What came while the receiver wanted nothing. */
  #store: Fifo<Uint8Array> | undefined;
  #storedBytes = 0;
  /** Whether the store is about to be delivered. */
  #delivering = false;
  /** The peer's end is there; and the receiver has been told. */
  #ended = false;
  #endTold = false;
  /** Nobody reads any more. */
  #unread = false;
  /** What a write or an end that was not taken waits for. */
  #waits: "nothing" | "transport" | "turn" = "nothing";
  #ending = false;
  #writeDone = false;
  #writesInARow = 0;
  /** Asks whether the peer is still there, while the transport is held. */
  #probing: ReturnType<typeof setInterval> | undefined;
  /** Whether a hook is being called, from which nothing may be called back. */
  #calling = false;
  /** The transport's socket has been given back. */
  #released = false;
  /** Both directions are over; nothing is called back any more. */
  #broken = false;
  #error: TransportError | undefined;

  constructor(remoteAddress?: SocketAddress, alpnProtocol?: string) {
    if (remoteAddress) this.remoteAddress = remoteAddress;
    if (alpnProtocol) this.alpnProtocol = alpnProtocol;
  }

  /** Sends bytes. Returns whether they are no longer needed; if not, calls `drained` later. */
  protected abstract send(bytes: Uint8Array): boolean;
  /** Ends our direction; returns like `send`. */
  protected abstract sendEnd(): boolean;
  /** Stops calling `received` and `ended`. What still comes is kept, so it must not be much. */
  protected abstract hold(): void;
  /** Begins, or goes on, to call them. */
  protected abstract flow(): void;
  /**
   * Asks the system whether the connection is still there, without sending anything; called
   * each {@linkcode PROBE_INTERVAL} while it is held. If it is gone, `fail` is called.
   */
  protected probe?(): void;
  /** Both directions have ended in order: gives the socket back. */
  protected abstract release(): void;
  /** Aborts the connection, so that the peer notices, and gives the socket back. */
  protected abstract destroy(): void;

  /** Calls back in a later turn of the event loop. */
  protected later(callback: () => void): void {
    setTimeout(callback, 0);
  }

  /** How many bytes `readable` reads ahead. */
  protected get readAhead(): number {
    return READ_AHEAD;
  }

  get returnsBuffers(): boolean {
    return true;
  }

  get unsent(): number {
    return 0;
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#asStreams().readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#asStreams().writable;
  }

  #asStreams(): StreamsFace {
    if (this.#streams) return this.#streams;
    if (this.#attached) return this.#streams = lockedStreams();
    const streams = new DuplexStreams(this, this.readAhead);
    this.#streams = this.#receiver = streams;
    if (this.#error) streams.onLost(this.#error);
    return streams;
  }

  attach(receiver: Receiver): Transport {
    if (this.#attached) {
      throw new TypeError("Cannot attach: the duplex has an owner already");
    }
    if (!this.#error && (this.#waits !== "nothing" || this.#writeDone || this.#unread)) {
      throw new TypeError("Cannot attach: a stream of the duplex has ended or is being written");
    }
    const reader = this.#streams?.lock();
    this.#attached = true;
    this.#flowing = this.#endTold = false;
    this.#receiver = receiver;
    if (this.#error) queueMicrotask(() => this.#tellLost());
    else if (reader) this.#takeOver(reader);
    return this;
  }

  /** Moves what the stream has read ahead back to where it came from. */
  async #takeOver(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    if (this.#streams!.held === 0) return;
    this.#delivering = true;
    const ahead = new Fifo<Uint8Array>();
    while (this.#streams!.held > 0) {
      const { value } = await reader.read();
      if (this.#broken) return;
      ahead.push(value!);
      this.#storedBytes += value!.length;
    }
    while (this.#store && this.#store.length > 0) ahead.push(this.#store.shift());
    this.#store = ahead;
    this.#deliver();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#released) return false;
    this.#calling = true;
    const taken = this.send(bytes);
    this.#calling = false;
    if (!taken) {
      this.#waits = "transport";
      return false;
    }
    return !this.#givesTurn();
  }

  end(): boolean {
    if (this.#released) return false;
    this.#calling = true;
    const taken = this.sendEnd();
    this.#calling = false;
    if (taken) return this.#onWriteDone(), true;
    this.#ending = true;
    this.#waits = "transport";
    return false;
  }

  pause(): void {
    this.#flowing = false;
  }

  resume(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    if (this.#somethingToDeliver) this.#deliverSoon();
    else this.#start();
  }

  abort(reason?: unknown): void {
    this.#receiver = NOBODY;
    if (this.#broken) return;
    this.#error = brokenOff(reason);
    this.#break();
  }

  /** Nobody will read any more: what still arrives is dropped. */
  stopReading(): void {
    if (this.#unread) return;
    this.#unread = true;
    this.#clear();
    this.#releaseIfDone();
    this.#start();
  }

  /** Whether {@linkcode received} has a use for bytes. */
  protected get flowing(): boolean {
    return this.#flowing || this.#unread;
  }

  /** How many bytes wait for somebody who takes them. */
  protected get stored(): number {
    return this.#storedBytes;
  }

  /** How many bytes have arrived that nobody has taken, with what they cost in memory. */
  protected get held(): number {
    const stored = this.#store ? this.#storedBytes + this.#store.length * CHUNK_BYTES : 0;
    return stored + (this.#streams?.held ?? 0);
  }

  /** Bytes have arrived, in memory that is never written again. */
  protected received(bytes: Uint8Array): void {
    if (this.#released || this.#ended || this.#unread) return;
    // Only a new turn of the event loop brings bytes.
    this.#writesInARow = 0;
    if (this.#flowing && !this.#delivering && !this.#calling) {
      return this.#receiver!.onBytes(bytes);
    }
    (this.#store ??= new Fifo()).push(bytes);
    this.#storedBytes += bytes.length;
    if (this.#flowing) return this.#deliverSoon();
    if (this.#stopped) return;
    this.#stopped = true;
    this.hold();
    if (this.probe) this.#probing = setInterval(() => this.probe!(), PROBE_INTERVAL);
  }

  /** The peer has ended its direction. */
  protected ended(): void {
    if (this.#released || this.#ended) return;
    this.#ended = true;
    if (!this.#flowing || this.#unread) this.#releaseIfDone();
    else if (this.#delivering || this.#calling) this.#deliverSoon();
    else this.#tellEnd();
  }

  /** What `send` or `sendEnd` did not take at once has been taken. */
  protected drained(): void {
    if (this.#waits !== "transport") return;
    if (this.#calling) return queueMicrotask(() => this.drained());
    // Some runtimes call back in a microtask, which is no turn of the event loop.
    if (this.#ending || !this.#givesTurn()) this.#onDrained();
  }

  /** Counts a write that was taken; returns whether the writer must wait for the next turn. */
  #givesTurn(): boolean {
    if (++this.#writesInARow < WRITES_A_TURN) return false;
    this.#writesInARow = 0;
    this.#waits = "turn";
    this.later(() => this.#onDrained());
    return true;
  }

  /** The connection broke. May be called again. */
  protected fail(error: TransportError): void {
    if (this.#released) return;
    if (this.#calling) return queueMicrotask(() => this.fail(error));
    this.#error = error;
    this.#break();
    this.#tellLost();
  }

  #onDrained(): void {
    if (this.#released) return;
    this.#waits = "nothing";
    if (this.#ending) this.#onWriteDone();
    this.#receiver!.onDrain();
  }

  #onWriteDone(): void {
    this.#writeDone = true;
    this.#releaseIfDone();
  }

  get #somethingToDeliver(): boolean {
    return this.#delivering || this.#storedBytes > 0 || (this.#ended && !this.#endTold);
  }

  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    while (this.#flowing && this.#storedBytes > 0) {
      const bytes = this.#store!.shift();
      this.#storedBytes -= bytes.length;
      this.#receiver!.onBytes(bytes);
    }
    this.#delivering = false;
    if (!this.#flowing || this.#broken) return;
    if (!this.#ended) this.#start();
    else if (!this.#endTold) this.#tellEnd();
  }

  #tellEnd(): void {
    this.#endTold = true;
    this.#receiver!.onEnd();
    this.#releaseIfDone();
  }

  #tellLost(): void {
    this.#receiver?.onLost(this.#error!);
  }

  #start(): void {
    if (!this.#stopped || this.#ended || this.#released) return;
    this.#stopped = false;
    clearInterval(this.#probing);
    this.#calling = true;
    this.flow();
    this.#calling = false;
  }

  #clear(): void {
    this.#store = undefined;
    this.#storedBytes = 0;
  }

  #break(): void {
    this.#broken = true;
    this.#flowing = false;
    this.#clear();
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#probing);
    this.destroy();
  }

  #releaseIfDone(): void {
    if (this.#released || !this.#writeDone || !(this.#ended || this.#unread)) return;
    this.#released = true;
    clearInterval(this.#probing);
    this.release();
  }
}

/** What somebody gets who asks for the streams of a duplex that has an owner. */
function lockedStreams(): StreamsFace {
  const readable = new ReadableStream<Uint8Array>();
  const writable = new WritableStream<Uint8Array>();
  const reader = readable.getReader();
  writable.getWriter();
  return { readable, writable, held: 0, lock: () => reader };
}
