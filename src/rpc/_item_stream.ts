import { Fifo } from "../waits/fifo.ts";
import { rejected } from "./_awaited.ts";
import { costOf, grantOf } from "./_flow.ts";
import type { MessageKeeper, RpcMessage } from "./message.ts";

/** A `next()` that is waiting for an item. */
interface Reader<Item> {
  readonly resolve: (result: IteratorResult<Item, undefined> | Promise<never>) => void;
}

/** What an {@linkcode ItemStream} tells the RPC that it belongs to. */
export interface StreamEvents {
  /** The reader leaves before the end. */
  onLeave(): void;
  /** The reader has taken as much as a grant is worth, once more. */
  onTaken(): void;
}

/**
 * The responses, or the requests, of a streaming RPC: a queue between the connection and the loop
 * that reads them. It is bounded by a peer that sends no more than has been granted; with any
 * other, {@linkcode push} tells when there is too much.
 */
export class ItemStream<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #window: number;
  readonly #events: StreamEvents;
  readonly #messages: Pick<RpcMessage<Item>, "keeper">;
  /** Is told of the items that wait, once one does. */
  #keeper: MessageKeeper<Item> | undefined;
  readonly #items = new Fifo<Item>();
  readonly #costs = new Fifo<number>();
  /** What the items cost together. */
  #buffered = 0;
  /** What the reader has taken since the last grant. */
  #taken = 0;
  readonly #readers: Reader<Item>[] = [];
  /** "over": the reader has seen the end, or has left. */
  #state: "open" | "ended" | "failed" | "over" = "open";
  #error: unknown;
  #goingAway: AbortController | undefined;
  /** Why the connection takes no more calls. */
  #away: unknown;
  /** Lets the connection resume reading, if it was stopped. */
  #goOn: (() => void) | undefined;

  /** `window` is what may be unread, in bytes. */
  constructor(window: number, events: StreamEvents, messages: Pick<RpcMessage<Item>, "keeper">) {
    this.#window = window;
    this.#events = events;
    this.#messages = messages;
  }

  get goingAway(): AbortSignal {
    // Created on first use: most readers never look.
    this.#goingAway ??= new AbortController();
    if (this.#away !== undefined) this.#goingAway.abort(this.#away);
    return this.#goingAway.signal;
  }

  /** Tells the reader that the connection will end, and that this stream may end before. */
  goAway(reason: unknown): void {
    this.#away = reason;
    this.#goingAway?.abort(reason);
  }

  /**
   * Adds an item of that size on the wire. Returns `false` if the stream was full before: a
   * server that waits for its reader would not have sent it.
   */
  push(item: Item, bytes: number): boolean {
    const cost = costOf(bytes, this.#window);
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ done: false, value: item });
      this.#take(cost);
      return true;
    }
    const wasFull = this.#buffered >= this.#window;
    this.#items.push(item);
    this.#costs.push(cost);
    this.#buffered += cost;
    (this.#keeper ??= this.#messages.keeper?.())?.add(item);
    return !wasFull;
  }

  /** Whether more items may come. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the connection waits for the reader. */
  get stops(): boolean {
    return this.#goOn !== undefined;
  }

  /** Settles when half of the items have been read, or no more will come. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#goOn = resolve);
  }

  /** No more items will come. */
  end(): void {
    this.#state = this.#readers.length > 0 ? "over" : "ended";
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE);
    this.#release();
  }

  /**
   * No more items will come: the queued ones can still be read, then the error, also if the peer
   * has ended the stream before and the reader has not come to that.
   */
  fail(error: unknown): void {
    if (this.#state === "over") return;
    const reader = this.#readers.shift();
    if (reader) {
      // One reader gets the error; for those behind it, the stream has ended.
      reader.resolve(rejected(error));
      this.end();
      this.#state = "over";
      return;
    }
    this.#state = "failed";
    this.#error = error;
    this.#release();
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#shift() });
    if (this.#state === "failed") {
      this.#state = "over";
      return rejected(this.#error);
    }
    if (this.#state !== "open") {
      this.#state = "over";
      return Promise.resolve(DONE);
    }
    return new Promise((resolve) => this.#readers.push({ resolve }));
  }

  /** Takes the next item if it is there, without a promise. */
  poll(): Item | undefined {
    return this.#items.length > 0 ? this.#shift() : undefined;
  }

  /** The reader's own side has given it up: it gets the error next, and no items any more. */
  giveUp(error: unknown): void {
    this.#drop();
    this.fail(error);
  }

  return(): Promise<IteratorResult<Item, undefined>> {
    if (this.#state === "open") this.#events.onLeave();
    this.#drop();
    this.end();
    this.#state = "over";
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #drop(): void {
    this.#items.clear();
    this.#costs.clear();
    this.#buffered = 0;
    this.#keeper?.clear();
  }

  #shift(): Item {
    const item = this.#items.shift();
    if (this.#items.length === 0) this.#keeper?.clear();
    const cost = this.#costs.shift();
    this.#buffered -= cost;
    this.#take(cost);
    // Only at half, or the connection would stop and start for each item.
    if (this.#buffered <= this.#window / 2) this.#release();
    return item;
  }

  #take(cost: number): void {
    this.#taken += cost;
    const grant = grantOf(this.#window);
    for (; this.#taken >= grant; this.#taken -= grant) this.#events.onTaken();
  }

  #release(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
