import type { SendBudget, Sender } from "../../../mod.ts";
import { wrong } from "../../check.ts";
import { Fifo } from "../../waits/fifo.ts";
import {
  aboutRequests,
  costOf,
  grantOf,
  itemId,
  lastId,
  question,
  questionedWindow,
} from "../_flow.ts";
import { encodeFailed } from "../errors.ts";
import { ControlCode, type RpcId, type RpcMessage } from "../message.ts";
import { madeOf } from "../made.ts";

/** What an {@linkcode Outflow} needs of its call. */
export interface OutflowCall {
  readonly id: number;
  readonly done: boolean;
}

/** What {@linkcode Outflows} asks of whom it belongs to, and tells it. */
export interface OutflowOwner<Request> {
  /** The further requests of the call of that id, if there are any. */
  outflowOf(id: number): Outflow<Request> | undefined;
  /** Something could not be sent of a call. */
  onOutflowFailed(call: OutflowCall, error: unknown): void;
}

/** The streams of requests of a connection, each at the pace of its handler. */
export class Outflows<Request> {
  /** How much of a stream may be ahead of its handler, once the server has said so. */
  window: number | undefined;
  readonly #messages: RpcMessage<Request>;
  readonly #sender: Sender<Request>;
  readonly #owner: OutflowOwner<Request>;
  #asked = false;
  /** The error of the item that was just sent, if it could not be encoded. */
  #unencodable: { readonly error: unknown } | undefined;
  /** The question, and half-closes. */
  readonly #notes = new Fifo<Request>();
  /** Streams that have an item to send, or whose source can be asked for some. */
  readonly #due = new Fifo<Outflow<Request>>();
  /** Whether streams go before calls that wait: by turns, as one item may take all the room. */
  #goesFirst = false;

  constructor(
    messages: RpcMessage<Request>,
    sender: Sender<Request>,
    owner: OutflowOwner<Request>,
  ) {
    this.#messages = messages;
    this.#sender = sender;
    this.#owner = owner;
  }

  /** How many messages wait. */
  get pending(): number {
    return this.#notes.length + this.#due.length;
  }

  /** Makes the stream of a call that is about to begin. Throws if the messages have no room for it. */
  begin(
    call: OutflowCall,
    requests: AsyncIterable<Request> | Iterable<Request>,
  ): Outflow<Request> {
    if (!this.#asked) {
      const asked = this.#messages.setCode && question(this.#messages);
      if (asked === undefined) {
        throw wrong("Streams of requests need messages with setCode, and ids of 53 bits");
      }
      this.#asked = true;
      this.#notes.push(asked);
    }
    return new Outflow(call, requests, this);
  }

  /** A message could not be encoded. */
  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
  }

  /**
   * Sends what is due, while there is room. While calls wait, one item of each stream at most, and
   * every other time none: they are asked again when those calls have been sent.
   */
  pull(budget: SendBudget<Request>, callsWait: boolean): void {
    this.#sendNotes(budget);
    if (!callsWait) {
      while (budget.remaining > 0 && this.#due.length > 0) {
        this.#giveEach(budget, Math.ceil(budget.remaining / this.#due.length));
      }
      // Some may have come to their ends.
      return this.#sendNotes(budget);
    }
    this.#goesFirst = !this.#goesFirst;
    if (this.#goesFirst) this.#giveEach(budget, 1);
  }

  /** An End of the server; returns whether it was about such streams. */
  onEnd(id: RpcId): boolean {
    const window = questionedWindow(id);
    if (window !== undefined) {
      this.window ??= Math.max(1, window);
      return true;
    }
    const about = aboutRequests(id);
    if (about === undefined) return false;
    const outflow = this.#owner.outflowOf(about.id);
    if (about.last) outflow?.leave();
    else outflow?.grant();
    return true;
  }

  /** A stream has an item to send, or can be asked for some. */
  push(due: Outflow<Request>): void {
    this.#due.push(due);
    this.#offer();
  }

  /** A stream has come to its end: that is the half-close. */
  end(call: OutflowCall): void {
    this.#notes.push(this.#messages.ended(lastId(call.id)));
    this.#offer();
  }

  /** The source of a stream has failed. */
  fail(call: OutflowCall, error: unknown): void {
    this.#owner.onOutflowFailed(call, error);
  }

  #offer(): void {
    // At once, so that a source that produces by itself stops when there is no room.
    this.#sender.pull();
    if (this.pending > 0) this.#sender.wake();
  }

  #sendNotes(budget: SendBudget<Request>): void {
    while (budget.remaining > 0 && this.#notes.length > 0) budget.send(this.#notes.shift());
  }

  /** Sends so many items of each stream at most. */
  #giveEach(budget: SendBudget<Request>, share: number): void {
    for (let left = this.#due.length; left > 0 && budget.remaining > 0; left--) {
      const due = this.#due.shift();
      if (this.#give(due, budget, share)) this.#due.push(due);
    }
  }

  /** Sends items of a stream, so many at most; returns whether there may be more at once. */
  #give(outflow: Outflow<Request>, budget: SendBudget<Request>, share: number): boolean {
    for (let given = 0; given < share && budget.remaining > 0; given++) {
      const item = outflow.take();
      if (item === undefined) return false;
      this.#send(outflow, item, budget);
    }
    return true;
  }

  #send(outflow: Outflow<Request>, item: Request, budget: SendBudget<Request>): void {
    this.#unencodable = undefined;
    let bytes = 0;
    try {
      this.#messages.setId(item, itemId(outflow.call.id));
      this.#messages.setCode!(item, ControlCode.end);
      bytes = budget.send(item);
    } catch (error) {
      this.onEncodeError(error);
    }
    // Set by onEncodeError.
    const failed = this.#unencodable as { readonly error: unknown } | undefined;
    if (failed) {
      this.#owner.onOutflowFailed(outflow.call, encodeFailed("A request", { cause: failed.error }));
    } else outflow.sent(bytes);
  }
}

/**
 * The further requests of one call. A synchronous source is asked when there is room to send, for
 * as many items as there is room; a loop waits for each item of an asynchronous one.
 */
export class Outflow<Request> {
  readonly call: OutflowCall;
  readonly #requests: AsyncIterable<Request> | Iterable<Request>;
  readonly #of: Outflows<Request>;
  #iterator: AsyncIterator<Request> | Iterator<Request> | undefined;
  /** The same, if it is synchronous. */
  #source: Iterator<Request> | undefined;
  /** Whether `next()` of it is running, in which case it cannot be left. */
  #running = false;
  /** Whether no more may be sent. */
  #over = false;
  /** The item of an asynchronous source that is to be sent. */
  #item: Request | undefined;
  /** What the handler has not acknowledged. */
  #ahead = 0;
  /** Whether a synchronous source waits for credit. */
  #parked = false;
  /** What the loop waits with, for credit or for room. */
  #resume: (() => void) | undefined;

  constructor(
    call: OutflowCall,
    requests: AsyncIterable<Request> | Iterable<Request>,
    of: Outflows<Request>,
  ) {
    this.call = call;
    this.#requests = requests;
    this.#of = of;
  }

  /** The handler has begun to read, or has read more. */
  grant(): void {
    if (this.#over) return;
    if (this.#iterator === undefined) return this.#begin();
    this.#ahead = Math.max(0, this.#ahead - grantOf(this.#window));
    // The loop waits for an item to be sent: the next one would take its place.
    if (this.#item === undefined) this.#wake();
  }

  /** Takes the item that is to be sent; `undefined` if there is none now. */
  take(): Request | undefined {
    if (this.#source !== undefined) return this.#ask(this.#source);
    const item = this.#item;
    this.#item = undefined;
    return this.#over ? undefined : item;
  }

  /** The item has been sent, with so many bytes. */
  sent(bytes: number): void {
    this.#ahead += costOf(bytes, this.#window);
    if (this.#source === undefined) this.#wake();
  }

  /** Nothing more is wanted. May be called again. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parked = false;
    this.#wake();
    if (!this.#running) this.#return();
  }

  get #window(): number {
    return this.#of.window ?? 1;
  }

  #wake(): void {
    if (this.#parked) {
      this.#parked = false;
      return this.#of.push(this);
    }
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  async #return(): Promise<void> {
    try {
      await this.#iterator?.return?.();
    } catch {
      // It is abandoned in any case.
    }
  }

  #begin(): void {
    const requests = this.#requests;
    try {
      if (Symbol.asyncIterator in requests) {
        const iterator = this.#iterator = requests[Symbol.asyncIterator]();
        return void this.#run(iterator);
      }
      this.#iterator = this.#source = requests[Symbol.iterator]();
    } catch (error) {
      return this.#fail(error);
    }
    this.#of.push(this);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#of.fail(this.call, error);
  }

  /** Asks a synchronous source for its next item. */
  #ask(source: Iterator<Request>): Request | undefined {
    while (!this.#over) {
      if (this.#ahead >= this.#window) {
        this.#parked = true;
        return undefined;
      }
      let result: IteratorResult<Request>;
      this.#running = true;
      try {
        result = source.next();
      } catch (error) {
        this.#fail(error);
        return undefined;
      } finally {
        this.#running = false;
      }
      if (this.#over) {
        // It has ended its own call.
        if (!result.done) this.#return();
      } else if (result.done) {
        this.#over = true;
        this.#of.end(this.call);
      } else if (result.value === undefined) {
        this.#of.fail(this.call, notAnItem());
      } else {
        return result.value;
      }
    }
    return undefined;
  }

  /** Sends the items of an asynchronous source, one after the other. */
  async #run(iterator: AsyncIterator<Request>): Promise<void> {
    try {
      const made = madeOf(iterator);
      while (!this.#over) {
        if (this.#ahead >= this.#window) {
          await new Promise<void>((resolve) => this.#resume = resolve);
          continue;
        }
        const { done, value } = made === undefined
          ? await this.#next(iterator)
          : made.given(await this.#next(made.source));
        if (this.#over) return void (done || this.#return());
        if (done) {
          this.#over = true;
          return this.#of.end(this.call);
        }
        if (value === undefined) return this.#of.fail(this.call, notAnItem());
        this.#item = value;
        this.#of.push(this);
        if (this.#item === undefined) continue;
        await new Promise<void>((resolve) => this.#resume = resolve);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #next<Item>(iterator: AsyncIterator<Item>): Promise<IteratorResult<Item>> {
    this.#running = true;
    try {
      // A generator that awaits can be left: that waits for it.
      return iterator.next();
    } finally {
      this.#running = false;
    }
  }
}

/** Or a source that goes on like that would be asked for ever. */
function notAnItem(): TypeError {
  return wrong("The further requests of a call must be messages, not undefined");
}
