import type { Encoding } from "../streams/_encoding.ts";
import type { SocketAddress } from "../duplex/duplex.ts";
import { because } from "../reason.ts";
import { ConnectionError, reactorThrew } from "../errors.ts";
import { Fifo } from "../waits/fifo.ts";
import { onAbort } from "../waits/on_abort.ts";
import type { Reactor, SendBudget } from "../reactor.ts";
import type { Sender, SendOptions } from "../sender.ts";
import { caught } from "../user_callback.ts";
import { type Waiting, WaitingLine } from "../waits/waiting_line.ts";

/**
 * The queue's share of a write ends at this many encoded bytes; then the reactor may add as
 * many again.
 */
const SHARE = 64 * 1024;
/** How many messages a reactor may send at a time, at most. */
const MAX_PULL = 1024;
/**
 * A turn's messages are written once nothing more has been sent for this many microtasks: an
 * async generator takes three from one item to the next, and one of a typed service that reads
 * requests, four, or five with a deadline.
 */
const QUIET_TICKS = 8;
/** This many messages are worth a write, whatever may follow. */
const GATHERED = 64;

/** What {@linkcode Outbox.send} returns if it did not have to wait. */
export const SENT: Promise<void> = Promise.resolve();

/** A connection's source until it has its reactor. */
const NOTHING: Source<never, never> = {};

interface Waiter<Logical> extends Waiting {
  readonly message: Logical;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The part of a reactor that sending needs. */
type Source<Outbound, Logical> = Pick<
  Reactor<never, Outbound, Logical>,
  "onOutboundMessage" | "pullOutbound" | "pending"
>;

/** What an outbox tells its connection. */
export interface OutboxOwner {
  /** What was sent outside of a dispatch should be written. */
  onGathered(): void;
  /** Something has gone wrong in {@linkcode Outbox.pull}. */
  fail(error: unknown): void;
}

/**
 * What is waiting to be sent: to callers the {@linkcode Sender}, a bounded queue; to the
 * connection what {@linkcode fill}s the buffer of encoded bytes, from the queue and then from
 * the reactor, whenever a write is due.
 */
export class Outbox<Outbound, Logical> implements Sender<Logical> {
  /** How many messages have been encoded, in total. */
  encoded = 0;
  /** Whether the connection writes by itself, as soon as it can: nothing has to be gathered. */
  held = false;
  /** Whether messages are being encoded: a callback that is called meanwhile encodes none. */
  filling = false;
  readonly #max: number;
  readonly #owner: OutboxOwner;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #queue = new Fifo<Logical>();
  /** Those who wait for room in it, once somebody does. */
  #waiters: WaitingLine<Waiter<Logical>> | undefined;
  readonly #budget: Budget<Outbound>;
  #encoding: Encoding<Outbound> | undefined;
  #source: Source<Outbound, Logical> = NOTHING;
  /** Whether the reactor may have something to send. */
  #pullable = false;
  #ended = false;
  #cleared = false;
  /** The error that the connection has ended with, if any. */
  #cause: unknown;
  /** Counts sends and wakes: in total, when last looked at, and when gathering began. */
  #offered = 0;
  #seen = 0;
  #begun = 0;
  #quiet = 0;
  #gathering = false;

  /** `remoteAddress` is reported in errors. */
  constructor(maxQueuedMessages: number, owner: OutboxOwner, remoteAddress?: SocketAddress) {
    this.#max = maxQueuedMessages;
    this.#owner = owner;
    this.#remoteAddress = remoteAddress;
    this.#budget = new Budget(this);
  }

  /** Connects the reactor, which was made with this sender, and what encodes. */
  attach(source: Source<Outbound, Logical>, encoding: Encoding<Outbound>): void {
    this.#source = source;
    this.#encoding = encoding;
    if (source.pullOutbound) this.wake();
  }

  get queued(): number {
    return this.#queue.length;
  }

  trySend(message: Logical): boolean {
    if (this.#ended) throw this.#cannotSend();
    if (this.queued >= this.#max) return false;
    this.#queue.push(message);
    this.#offer();
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
    if (this.#source.pullOutbound === undefined || this.#cleared) return;
    this.#pullable = true;
    this.#offer();
  }

  pull(): boolean {
    if (this.#encoding === undefined || this.filling || this.#cleared) return false;
    const { buffer } = this.#encoding;
    if (buffer.length < SHARE) {
      this.#pullable = this.#source.pullOutbound !== undefined;
      try {
        this.#fillUpTo(SHARE);
      } catch (error) {
        // Not the caller's fault.
        this.#owner.fail(error);
        return false;
      }
      this.#offer();
    }
    return buffer.length < SHARE;
  }

  /** Whether there is anything to encode or to write. */
  get ready(): boolean {
    return this.#pullable || this.#queue.length > 0 || this.#encoding!.buffer.length > 0;
  }

  /** How many messages wait to be encoded, as far as they are known. */
  get pending(): number {
    const { pending = 0 } = this.#source;
    return this.#queue.length + (typeof pending === "number" ? pending : pending());
  }

  /** Whether {@linkcode end} has been called. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Encodes what waits, until it is enough for a write. */
  fill(): void {
    this.#begun = this.#offered;
    this.#fillUpTo(2 * SHARE);
  }

  /** Encodes one message, which the reactor sends; returns its length. */
  encode(message: Outbound): number {
    this.encoded++;
    const encoding = this.#encoding!;
    const length = encoding.encode(message);
    if (encoding.buffer.length >= this.#budget.limit) this.#budget.remaining = 0;
    return length;
  }

  /**
   * Accepts no more messages. Those that are queued, or wait for room in the queue, are still
   * encoded, and so is what the reactor has left to say.
   */
  end(): void {
    this.#ended = true;
    this.#pullable = this.#source.pullOutbound !== undefined;
  }

  /** Drops everything; who waits is told, and who sends later, of the error that is why. */
  clear(cause: unknown): void {
    this.#cause = cause;
    this.#ended = this.#cleared = true;
    this.#queue.clear();
    this.#pullable = false;
    if (!this.#waiters) return;
    for (const waiter of this.#waiters.drain()) waiter.reject(this.#cannotSend());
  }

  /** Encodes the queue's share, and lets the reactor go on until `limit` bytes are encoded. */
  #fillUpTo(limit: number): void {
    this.filling = true;
    try {
      this.#encodeQueue(SHARE);
      this.#pullUpTo(limit);
    } finally {
      this.filling = false;
    }
  }

  #encodeQueue(share: number): void {
    const { buffer } = this.#encoding!;
    while (this.#queue.length > 0 && buffer.length < share) {
      this.encode(this.#translate(this.#shift()));
    }
  }

  #translate(logical: Logical): Outbound {
    if (this.#source.onOutboundMessage === undefined) return logical as unknown as Outbound;
    try {
      return this.#source.onOutboundMessage(logical);
    } catch (cause) {
      throw reactorThrew(cause);
    }
  }

  /** Lets the reactor send until `limit` bytes are encoded, or it has nothing more. */
  #pullUpTo(limit: number): void {
    const budget = this.#budget;
    const { buffer } = this.#encoding!;
    const most = this.encoded + MAX_PULL;
    while (this.#pullable && buffer.length < limit && this.encoded < most) {
      const before = this.encoded;
      this.#pullable = false;
      budget.begin(most - before, limit);
      try {
        const result: unknown = this.#source.pullOutbound!(budget);
        if (result) caught(result, (cause) => this.#owner.fail(reactorThrew(cause)));
      } catch (cause) {
        throw cause instanceof ConnectionError ? cause : reactorThrew(cause);
      } finally {
        // What is left of it says that there is nothing more, until the next wake.
        if (budget.remaining === 0 && !this.#cleared) this.#pullable = true;
        budget.end();
      }
      if (this.encoded === before) return;
    }
  }

  #shift(): Logical {
    const logical = this.#queue.shift();
    const waiter = this.#waiters?.shift();
    if (waiter) {
      this.#queue.push(waiter.message);
      waiter.resolve();
    }
    return logical;
  }

  #wait(message: Logical, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let settled = () => {};
      const waiter: Waiter<Logical> = {
        left: false,
        message,
        resolve: () => (settled(), resolve()),
        reject: (reason) => (settled(), reject(reason)),
      };
      if (signal) {
        settled = onAbort(signal, () => {
          this.#waiters!.leave(waiter);
          waiter.reject(signal.reason);
        });
      }
      (this.#waiters ??= new WaitingLine()).push(waiter);
    });
  }

  #cannotSend(): ConnectionError {
    const cause = this.#cause;
    const message = because("Cannot send: the connection is closed", cause);
    const error = new ConnectionError(
      "closed",
      message,
      cause === undefined ? undefined : { cause },
    );
    if (this.#remoteAddress) error.remoteAddress = this.#remoteAddress;
    return error;
  }

  #offer(): void {
    this.#offered++;
    if (!this.held) this.gather();
  }

  /** Calls `onGathered` soon: there is something to send, and more may join it. */
  gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#seen = this.#offered;
    this.#quiet = 0;
    // Made each time, so that a connection that is idle has none.
    const look = () => {
      if (this.#gathers()) queueMicrotask(look);
      else this.#owner.onGathered();
    };
    queueMicrotask(look);
  }

  // One microtask that puts itself off while more comes, since each write has a cost.
  #gathers(): boolean {
    if (this.#offered > this.#seen) this.#quiet = 0;
    else this.#quiet++;
    this.#seen = this.#offered;
    this.#gathering = this.#quiet < QUIET_TICKS && this.#offered - this.#begun < GATHERED;
    return this.#gathering;
  }
}

/** What a reactor may send in one call of `pullOutbound`. */
class Budget<Outbound> implements SendBudget<Outbound> {
  remaining = 0;
  /** How many bytes are enough. */
  limit = 0;
  readonly #outbox: Outbox<Outbound, never>;

  constructor(outbox: Pick<Outbox<Outbound, never>, "encode">) {
    this.#outbox = outbox as Outbox<Outbound, never>;
  }

  begin(remaining: number, limit: number): void {
    this.remaining = remaining;
    this.limit = limit;
  }

  end(): void {
    this.remaining = 0;
  }

  send(message: Outbound): number {
    if (this.remaining === 0) {
      throw new RangeError("Cannot send: the budget of this pull is used up");
    }
    this.remaining--;
    return this.#outbox.encode(message);
  }
}
