import type { SendBudget, Sender } from "../../../mod.ts";
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

/** What an {@linkcode Outflow} needs of its call. */
export interface OutflowCall {
  readonly id: number;
  readonly done: boolean;
}

/** The streams of requests of a connection, each at the pace of its handler. */
export class Outflows<Request> {
  /** How much of a stream may be ahead of its handler, once the server has said so. */
  window: number | undefined;
  readonly #messages: RpcMessage<Request>;
  readonly #sender: Sender<Request>;
  readonly #find: (id: number) => Outflow<Request> | undefined;
  /** Called with what could not be sent of a call. */
  readonly #onFailed: (call: OutflowCall, error: unknown) => void;
  #asked = false;
  /** The error of the item that was just sent, if it could not be encoded. */
  #unencodable: { readonly error: unknown } | undefined;
  /** The question, half-closes, and streams that have an item to send. */
  readonly #due = new Fifo<Request | Outflow<Request>>();

  constructor(
    messages: RpcMessage<Request>,
    sender: Sender<Request>,
    find: (id: number) => Outflow<Request> | undefined,
    onFailed: (call: OutflowCall, error: unknown) => void,
  ) {
    this.#messages = messages;
    this.#sender = sender;
    this.#find = find;
    this.#onFailed = onFailed;
  }

  /** How many messages wait. */
  get pending(): number {
    return this.#due.length;
  }

  /** Makes the stream of a call that is about to begin. Throws if the messages have no room for it. */
  begin(
    call: OutflowCall,
    requests: AsyncIterable<Request> | Iterable<Request>,
  ): Outflow<Request> {
    if (!this.#asked) {
      const asked = this.#messages.setCode && question(this.#messages);
      if (asked === undefined) {
        throw new TypeError("Streams of requests need messages with setCode, and ids of 53 bits");
      }
      this.#asked = true;
      this.#due.push(asked);
    }
    return new Outflow(call, requests, this);
  }

  /** A message could not be encoded. */
  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
  }

  /** Sends what is due, while there is room. */
  pull(budget: SendBudget<Request>): void {
    while (budget.remaining > 0 && this.#due.length > 0) {
      const due = this.#due.shift();
      if (due instanceof Outflow) this.#send(due, budget);
      else budget.send(due);
    }
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
    const outflow = this.#find(about.id);
    if (about.last) outflow?.leave();
    else outflow?.grant();
    return true;
  }

  /** There is an item to send, or the half-close. */
  push(due: Outflow<Request> | number): void {
    this.#due.push(typeof due === "number" ? this.#messages.ended(due) : due);
    this.#sender.wake();
    // So that a source that produces by itself stops when there is no room.
    this.#sender.pull();
  }

  /** The source of a stream has failed. */
  fail(call: OutflowCall, error: unknown): void {
    this.#onFailed(call, error);
  }

  #send(outflow: Outflow<Request>, budget: SendBudget<Request>): void {
    const item = outflow.take();
    if (item === undefined) return;
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
    if (failed) this.#onFailed(outflow.call, encodeFailed("A request", { cause: failed.error }));
    else outflow.sent(bytes);
  }
}

/** The further requests of one call. */
export class Outflow<Request> {
  readonly call: OutflowCall;
  readonly #requests: AsyncIterable<Request> | Iterable<Request>;
  readonly #of: Outflows<Request>;
  #iterator: AsyncIterator<Request> | Iterator<Request> | undefined;
  /** Whether `next()` of it is running, in which case it cannot be left. */
  #running = false;
  /** Whether no more may be sent. */
  #over = false;
  #item: Request | undefined;
  /** What the handler has not acknowledged. */
  #ahead = 0;
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
    if (this.#iterator === undefined) return void this.#run();
    this.#ahead = Math.max(0, this.#ahead - grantOf(this.#window));
    this.#wake();
  }

  /** Takes the item that is to be sent. */
  take(): Request | undefined {
    const item = this.#item;
    this.#item = undefined;
    return this.#over ? undefined : item;
  }

  /** The item has been sent, with so many bytes. */
  sent(bytes: number): void {
    this.#ahead += costOf(bytes, this.#window);
    this.#wake();
  }

  /** Nothing more is wanted. May be called again. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wake();
    if (!this.#running) this.#return();
  }

  get #window(): number {
    return this.#of.window ?? 1;
  }

  #wake(): void {
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

  /** Sends the items, one after the other. */
  async #run(): Promise<void> {
    try {
      const requests = this.#requests;
      const iterator = this.#iterator = Symbol.asyncIterator in requests
        ? requests[Symbol.asyncIterator]()
        : requests[Symbol.iterator]();
      while (!this.#over) {
        if (this.#ahead >= this.#window) {
          await new Promise<void>((resolve) => this.#resume = resolve);
          continue;
        }
        const { done, value } = await this.#next(iterator);
        if (this.#over) return void (done || this.#return());
        if (done) {
          this.#over = true;
          return this.#of.push(lastId(this.call.id));
        }
        this.#item = value;
        this.#of.push(this);
        if (this.#item === undefined) continue;
        await new Promise<void>((resolve) => this.#resume = resolve);
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      this.#of.fail(this.call, error);
    }
  }

  #next(
    iterator: AsyncIterator<Request> | Iterator<Request>,
  ): IteratorResult<Request> | Promise<IteratorResult<Request>> {
    this.#running = true;
    try {
      const result = iterator.next();
      // A generator that awaits can be left: that waits for it.
      return result;
    } finally {
      this.#running = false;
    }
  }
}
