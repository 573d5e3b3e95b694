import type { SocketAddress } from "./duplex.ts";
import { ConnectionError, reactorThrew } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { Reactor, SendBudget } from "./reactor.ts";
import type { Sender, SendOptions } from "./sender.ts";
import { type Waiting, WaitingLine } from "./waiting_line.ts";

/**
 * The queue's share of a batch ends at this many bytes; then the reactor may add as many
 * again.
 */
const BATCH_BYTES = 64 * 1024;
/** How many messages a reactor is asked for at a time, at most. */
const MAX_PULL = 64;
/**
 * Gathering stops once nothing has been sent for this many microtasks: an async generator
 * takes three from one item to the next.
 */
const QUIET_TICKS = 4;
/** This many messages are worth a write, whatever may follow. */
const GATHERED = 64;

/** What {@linkcode Outbox.send} returns if it did not have to wait. */
export const SENT: Promise<void> = Promise.resolve();

interface Waiter<Logical> extends Waiting {
  readonly message: Logical;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The part of a reactor that sending needs. */
type Source<Outbound, Logical> = Pick<
  Reactor<never, Outbound, Logical>,
  "onOutboundMessage" | "pullOutbound"
>;

/**
 * What is waiting to be sent. To callers it is the {@linkcode Sender}; to the encoder it is
 * a lazy batch: iterating it takes messages from the queue, then from the reactor, until
 * the batch is large enough.
 */
export class Outbox<Outbound, Logical>
  implements Sender<Logical>, Iterable<Outbound>, Iterator<Outbound> {
  /** How many messages the encoder has taken, in total. */
  taken = 0;
  readonly #max: number;
  readonly #queue = new Fifo<Logical>();
  readonly #waiters = new WaitingLine<Waiter<Logical>>();
  #source: Source<Outbound, Logical> = {};
  /** The size of the current batch so far, in bytes. */
  #batchBytes: () => number = () => 0;
  /** Whether the reactor may have something to send. */
  #pullable = false;
  #pulling = false;
  /** Messages from the reactor that have not been encoded yet. */
  readonly #pulled = new Pulled<Outbound>();
  /** How many messages of the current batch came from the reactor. */
  #given = 0;
  /** The mean size of such messages in the last batch; at first so high that one is pulled. */
  #typical = 2 * BATCH_BYTES;
  /** Counts sends and wakes: in total, and as of the start of the last batch. */
  #offered = 0;
  #batched = 0;
  readonly #remoteAddress: SocketAddress | undefined;
  #ended = false;
  #wakeUp: (() => void) | undefined;
  readonly #yielded: { done: false; value: Outbound } = {
    done: false,
    value: undefined as Outbound,
  };

  /** `remoteAddress` is reported in errors. */
  constructor(maxQueuedMessages: number, remoteAddress?: SocketAddress) {
    this.#max = maxQueuedMessages;
    this.#remoteAddress = remoteAddress;
  }

  /** Connects the reactor, which was made with this sender, and the encoder. */
  attach(source: Source<Outbound, Logical>, batchBytes: () => number): void {
    this.#source = source;
    this.#batchBytes = batchBytes;
    this.#pullable = source.pullOutbound !== undefined;
    if (this.#pullable) this.#rouse();
  }

  get queued(): number {
    return this.#queue.length;
  }

  trySend(message: Logical): boolean {
    if (this.#ended) throw this.#cannotSend();
    if (this.queued >= this.#max) return false;
    this.#queue.push(message);
    this.#offered++;
    this.#rouse();
    return true;
  }

  send(message: Logical, options?: SendOptions): Promise<void> {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason);
    try {
      if (this.trySend(message)) return SENT;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#wait(message, options?.signal);
  }

  wake(): void {
    if (this.#source.pullOutbound === undefined) return;
    this.#pullable = true;
    this.#offered++;
    this.#rouse();
  }

  /** Whether there is anything to send. */
  get ready(): boolean {
    return this.#pullable || this.#queue.length > 0 || this.#pulled.length > 0;
  }

  /** Whether {@linkcode end} has been called. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Resolves at the end, or once there is something to send and a few microtasks have
   * passed, so that more can join the batch: each batch costs a write.
   */
  async gathered(): Promise<void> {
    if (!this.ready && !this.#ended) await new Promise<void>((resolve) => this.#wakeUp = resolve);
    let seen = this.#offered;
    for (let quiet = 0; quiet < QUIET_TICKS && seen - this.#batched < GATHERED; quiet++) {
      await undefined;
      if (this.#offered > seen) quiet = 0;
      seen = this.#offered;
    }
  }

  /** Accepts no more messages; what is queued can still be encoded. */
  end(): void {
    this.#ended = true;
    for (const waiter of this.#waiters.drain()) waiter.reject(this.#cannotSend());
    this.#rouse();
  }

  /** Drops what is queued. */
  clear(): void {
    this.end();
    this.#queue.clear();
    this.#pulled.clear();
    this.#pullable = false;
  }

  [Symbol.iterator](): Iterator<Outbound> {
    this.#pulling = false;
    this.#given = 0;
    this.#batched = this.#offered;
    return this;
  }

  next(): IteratorResult<Outbound> {
    if (!this.#pulling) {
      if (this.#queue.length > 0 && this.#batchBytes() < BATCH_BYTES) {
        return this.#yield(this.#translate(this.#shift()));
      }
      this.#pulling = true;
    }
    if (this.#pulled.length === 0 && !this.#pull() || this.#full()) {
      if (this.#given > 0) this.#typical = this.#batchBytes() / this.#given;
      // Not to keep the last message in memory.
      this.#yielded.value = undefined as Outbound;
      return { done: true, value: undefined };
    }
    this.#given++;
    return this.#yield(this.#pulled.take());
  }

  #full(): boolean {
    return this.#given > 0 && this.#batchBytes() >= 2 * BATCH_BYTES;
  }

  #yield(value: Outbound): IteratorResult<Outbound> {
    this.taken++;
    // One object for all results: for-of reads each before it calls next() again.
    this.#yielded.value = value;
    return this.#yielded;
  }

  #translate(logical: Logical): Outbound {
    if (this.#source.onOutboundMessage === undefined) return logical as unknown as Outbound;
    try {
      return this.#source.onOutboundMessage(logical);
    } catch (cause) {
      throw reactorThrew(cause);
    }
  }

  /** Pulls from the reactor; returns whether it has sent anything. */
  #pull(): boolean {
    if (!this.#pullable || this.#given >= this.#max || this.#full()) return false;
    const pulled = this.#pulled;
    pulled.remaining = Math.min(this.#worthAsking(), this.#max - this.#given);
    this.#pullable = false;
    try {
      this.#source.pullOutbound!(pulled);
    } catch (cause) {
      throw reactorThrew(cause);
    } finally {
      if (pulled.remaining === 0) this.#pullable = true;
      pulled.remaining = 0;
    }
    return pulled.length > 0;
  }

  /**
   * As many as should fit, by their mean size: what is pulled cannot be returned. At least
   * one, since the last of the queue may have been larger than a batch.
   */
  #worthAsking(): number {
    const bytes = this.#batchBytes();
    const typical = this.#given > 0 ? bytes / this.#given : this.#typical;
    return Math.max(1, Math.min(MAX_PULL, Math.ceil((2 * BATCH_BYTES - bytes) / typical)));
  }

  #shift(): Logical {
    const logical = this.#queue.shift();
    const waiter = this.#waiters.shift();
    if (waiter) {
      this.#queue.push(waiter.message);
      waiter.resolve();
    }
    return logical;
  }

  #wait(message: Logical, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = () => signal?.removeEventListener("abort", onAbort);
      const waiter: Waiter<Logical> = {
        left: false,
        message,
        resolve: () => (settled(), resolve()),
        reject: (reason) => (settled(), reject(reason)),
      };
      const onAbort = () => {
        this.#waiters.leave(waiter);
        waiter.reject(signal!.reason);
      };
      signal?.addEventListener("abort", onAbort);
      this.#waiters.push(waiter);
    });
  }

  #cannotSend(): ConnectionError {
    const error = new ConnectionError("closed", "Cannot send: the connection is closed");
    if (this.#remoteAddress) error.remoteAddress = this.#remoteAddress;
    return error;
  }

  #rouse(): void {
    const wakeUp = this.#wakeUp;
    if (wakeUp === undefined) return;
    this.#wakeUp = undefined;
    wakeUp();
  }
}

/** What a reactor sends within its budget, until it is encoded. */
class Pulled<Outbound> implements SendBudget<Outbound> {
  remaining = 0;
  /** Keeps its length, since growing it again would be slow. */
  readonly #messages: (Outbound | undefined)[] = [];
  #head = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#head;
  }

  send(message: Outbound): void {
    if (this.remaining === 0) {
      throw new RangeError("Cannot send: the budget of this pull is used up");
    }
    this.remaining--;
    this.#messages[this.#end++] = message;
  }

  /** Takes the oldest message. There must be one. */
  take(): Outbound {
    const message = this.#messages[this.#head]!;
    this.#messages[this.#head++] = undefined;
    if (this.#head === this.#end) this.#head = this.#end = 0;
    return message;
  }

  clear(): void {
    this.#messages.length = this.#head = this.#end = 0;
  }
}
