import type { SocketAddress } from "./duplex.ts";
import { ConnectionError, reactorThrew } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { Reactor, SendBudget } from "./reactor.ts";
import type { Sender, SendOptions } from "./sender.ts";
import { type Waiting, WaitingLine } from "./waiting_line.ts";

/**
 * Once a batch has come to this many bytes, the queue's share of it ends and the
 * reactor's begins, which may come to as many again.
 */
const BATCH_BYTES = 64 * 1024;
/** How many messages a reactor is asked for at a time, at the most. */
const MAX_PULL = 64;
/**
 * Nothing more is waited for once nothing has come for so many microtasks: an async
 * generator takes three from one item to the next.
 */
const QUIET_TICKS = 4;
/** So many are worth a write, whatever else may come. */
const GATHERED = 64;

/** What {@linkcode Outbox.send} returns where it need not wait. */
export const SENT: Promise<void> = Promise.resolve();

interface Waiter<Logical> extends Waiting {
  readonly message: Logical;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The part of a reactor that the way out needs. */
type Source<Outbound, Logical> = Pick<
  Reactor<never, Outbound, Logical>,
  "onOutboundMessage" | "pullOutbound"
>;

/**
 * What waits to be sent. To its holders it is the {@linkcode Sender}; to the encoder
 * it is a batch without an end of its own: iterating it takes messages off the queue,
 * then from the reactor, while there is room.
 */
export class Outbox<Outbound, Logical>
  implements Sender<Logical>, Iterable<Outbound>, Iterator<Outbound> {
  /** How many messages the encoder has been given, ever. */
  taken = 0;
  readonly #max: number;
  readonly #queue = new Fifo<Logical>();
  readonly #waiters = new WaitingLine<Waiter<Logical>>();
  #source: Source<Outbound, Logical> = {};
  /** How many bytes the batch at hand has come to. */
  #batchBytes: () => number = () => 0;
  /** Whether the reactor may have something. */
  #pullable = false;
  #pulling = false;
  /** What the reactor has given. */
  readonly #pulled = new Pulled<Outbound>();
  /** How many messages of the batch at hand the reactor has given. */
  #given = 0;
  /** How many bytes came to each of the last batch; before the first, one is asked for. */
  #typical = 2 * BATCH_BYTES;
  /** How often there was something to send, ever, and when the last batch began. */
  #offered = 0;
  #batched = 0;
  readonly #remoteAddress: SocketAddress | undefined;
  #ended = false;
  #wakeUp: (() => void) | undefined;
  readonly #yielded: { done: false; value: Outbound } = {
    done: false,
    value: undefined as Outbound,
  };

  /** `remoteAddress` is for errors. */
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

  /** Whether a batch would have anything. */
  get ready(): boolean {
    return this.#pullable || this.#queue.length > 0 || this.#pulled.length > 0;
  }

  /** Whether {@linkcode end} has been called. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Resolves at the end, or when there is something to send, and what comes within a few
   * microtasks is there too: each batch costs a write.
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

  /** Takes no more messages; what is queued may still be taken out. */
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
    // One object for all: for-of reads it before it asks again.
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

  /** Asks the reactor; returns whether it has given anything. */
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

  /** As many as fit at their size, for what is pulled cannot be taken back. */
  #worthAsking(): number {
    const bytes = this.#batchBytes();
    const typical = this.#given > 0 ? bytes / this.#given : this.#typical;
    return Math.min(MAX_PULL, Math.ceil((2 * BATCH_BYTES - bytes) / typical));
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

/** What a reactor gives, within its budget, until it is taken. */
class Pulled<Outbound> implements SendBudget<Outbound> {
  remaining = 0;
  /** It keeps its length, for to make it grow again costs. */
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

  /** Takes the oldest. There must be one. */
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
