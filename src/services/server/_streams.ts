import type { RpcContext } from "../../rpc/mod.ts";
import { shown } from "../../check.ts";
import { type Made, madeBy } from "../../rpc/made.ts";
import { serviceError, unreadable } from "../_errors.ts";
import {
  payloadOf,
  type ServiceRequest,
  type ServiceResponse,
  type WireMethod,
} from "../envelope/messages.ts";
import { polled } from "../envelope/polled.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The typed requests of a stream, which begins when they are first read. */
export class TypedRequests implements AsyncIterableIterator<unknown, undefined> {
  readonly #rpc: RpcContext<ServiceRequest>;
  readonly #method: WireMethod;
  #requests: AsyncIterableIterator<ServiceRequest, undefined> | undefined;
  /** Why no more will come, if the client has not said that there are no more. */
  #failure: unknown;
  #over = false;

  readonly #read = (result: IteratorResult<ServiceRequest, undefined>) => {
    if (!result.done) return this.#decode(result.value);
    const isCutOff = !this.#over && this.#failure !== undefined;
    this.#over = true;
    if (isCutOff) throw this.#failure;
    return DONE;
  };

  readonly #failed = (error: unknown): never => {
    this.#over = true;
    throw this.#failure ?? serviceError(error);
  };

  constructor(rpc: RpcContext<ServiceRequest>, method: WireMethod) {
    this.#rpc = rpc;
    this.#method = method;
  }

  /** The call is over: what ends now is cut off, and must not look complete. */
  fail(error: unknown): void {
    this.#failure = error;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const requests = this.#requests ??= this.#rpc.requests();
    const request = polled(requests);
    if (request === undefined) return requests.next().then(this.#read, this.#failed);
    try {
      return Promise.resolve(this.#decode(request));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#over = true;
    await this.#requests?.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #decode(request: ServiceRequest): IteratorResult<unknown, undefined> {
    try {
      return { done: false, value: payloadOf(this.#method.request, request) };
    } catch (cause) {
      throw unreadable(`A request of ${this.#method.path}`, cause, "invalid-argument");
    }
  }
}

/** What a stream needs of its call. */
export interface StreamedCall {
  readonly path: string;
  readonly deadline: number | undefined;
  item(value: unknown): ServiceResponse;
  failure(error: unknown): ServiceResponse;
  trailing(): ServiceResponse | undefined;
  onLate(late: () => void): void;
  /** Whether the deadline has passed, and what says so. */
  isLate(): boolean;
  lateFailure(): ServiceResponse;
  /** The handler is not waited for, but counts for as long as it runs. */
  goesOn(running: Promise<unknown>): void;
  leave(): void;
  /** The handler threw when it could not change the answer any more. */
  onThrownAfter(error: unknown): void;
}

/** The responses of a stream as messages, and at last what comes before its end. */
export type Responses = IterableIterator<ServiceResponse> | AsyncIterableIterator<ServiceResponse>;

/** Makes messages of what a handler that answers with a stream has returned. */
export function responsesOf(answer: unknown, call: StreamedCall): Responses {
  const iterable = answer as Partial<AsyncIterable<unknown> & Iterable<unknown>> | undefined;
  if (iterable?.[Symbol.asyncIterator] !== undefined) {
    return new AsyncResponses(iterable[Symbol.asyncIterator]!(), call);
  }
  if (iterable?.[Symbol.iterator] !== undefined) {
    return new SyncResponses(iterable[Symbol.iterator]!(), call);
  }
  throw new TypeError(`The handler of ${call.path} must return an iterable, not ${shown(answer)}`);
}

/** What a stream of either kind knows of its end. */
abstract class ResponsesBase {
  protected readonly call: StreamedCall;
  /** Whether what comes before the end has been made, or nobody reads on. */
  over = false;
  /** Whether the iterator has come to its end, or was left. */
  protected left = false;
  /** What says that the deadline has passed, until it is taken. */
  #last: ServiceResponse | undefined;

  constructor(call: StreamedCall) {
    this.call = call;
    // It may wait for its reader then.
    if (call.deadline !== undefined) call.onLate(() => this.#onLate());
  }

  /** Leaves the iterator, if it has not come to its end. */
  protected abstract leave(): void | Promise<void>;

  /** Settles a `next()` that waits, if there is one; returns whether there was. */
  protected giveUp(_failure: IteratorResult<ServiceResponse>): boolean {
    return false;
  }

  /** What is read without asking the handler, if anything is. */
  protected ready(): IteratorResult<ServiceResponse> | undefined {
    if (!this.over && this.call.isLate()) this.#onLate();
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined) return { done: false, value: last };
    return this.over ? DONE : undefined;
  }

  /** What is read as the handler has given this. */
  given(result: IteratorResult<unknown>): IteratorResult<ServiceResponse> {
    if (result.done) this.left = true;
    if (this.over) return DONE;
    if (!result.done) {
      try {
        return { done: false, value: this.call.item(result.value) };
      } catch (error) {
        return this.#fail(error);
      }
    }
    this.over = true;
    const end = this.call.trailing();
    return end === undefined ? DONE : { done: false, value: end };
  }

  /** What is read as the handler has thrown this. */
  thrown(error: unknown): IteratorResult<ServiceResponse> {
    this.left = true;
    if (!this.over) return this.#fail(error);
    this.call.onThrownAfter(error);
    return DONE;
  }

  #fail(error: unknown): IteratorResult<ServiceResponse> {
    this.over = true;
    const value = this.call.failure(error);
    this.leave();
    return { done: false, value };
  }

  #onLate(): void {
    if (this.over) return;
    this.over = true;
    const value = this.call.lateFailure();
    const left = this.leave();
    if (left !== undefined) this.call.goesOn(left);
    if (!this.giveUp({ done: false, value })) this.#last = value;
  }
}

class SyncResponses extends ResponsesBase implements IterableIterator<ServiceResponse> {
  readonly #iterator: Iterator<unknown>;

  constructor(iterator: Iterator<unknown>, call: StreamedCall) {
    super(call);
    this.#iterator = iterator;
  }

  next(): IteratorResult<ServiceResponse> {
    const ready = this.ready();
    if (ready !== undefined) return ready;
    try {
      return this.given(this.#iterator.next());
    } catch (error) {
      return this.thrown(error);
    }
  }

  return(): IteratorResult<ServiceResponse> {
    this.over = true;
    this.call.leave();
    this.leave();
    return DONE;
  }

  [Symbol.iterator](): this {
    return this;
  }

  protected override leave(): void {
    if (this.left) return;
    this.left = true;
    try {
      this.#iterator.return?.();
    } catch (error) {
      this.call.onThrownAfter(error);
    }
  }
}

class AsyncResponses extends ResponsesBase
  implements AsyncIterableIterator<ServiceResponse>, Made<ServiceResponse> {
  readonly source: AsyncIterator<unknown>;
  /** Settles a `next()` that waits. */
  #settle: ((result: IteratorResult<ServiceResponse>) => void) | undefined;
  /** Settles when the iterator has answered. */
  #asked: Promise<void> | undefined;
  readonly #onGiven = (result: IteratorResult<unknown>) => {
    try {
      this.#go(this.given(result));
    } catch (error) {
      // An iterator by hand may have given what is no result.
      this.#onThrown(error);
    }
  };
  readonly #onThrown = (error: unknown) => this.#go(this.thrown(error));

  constructor(iterator: AsyncIterator<unknown>, call: StreamedCall) {
    super(call);
    this.source = iterator;
    // With a deadline, who waits for the handler may have to go on before that does.
    if (call.deadline === undefined) madeBy(this, this);
  }

  next(): Promise<IteratorResult<ServiceResponse>> {
    const ready = this.ready();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => {
      // The handler may never come to its end; nobody waits for it then.
      this.#settle = resolve;
      try {
        // Of an iterator by hand it may be no promise.
        this.#asked = Promise.resolve(this.source.next()).then(this.#onGiven, this.#onThrown);
      } catch (error) {
        this.#onThrown(error);
      }
    });
  }

  async return(): Promise<IteratorResult<ServiceResponse>> {
    this.over = true;
    this.call.leave();
    await this.leave();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  protected override giveUp(failure: IteratorResult<ServiceResponse>): boolean {
    const waits = this.#settle !== undefined;
    if (waits) this.#go(failure);
    return waits;
  }

  protected override async leave(): Promise<void> {
    if (this.left) return;
    this.left = true;
    try {
      await this.source.return?.();
    } catch (error) {
      this.call.onThrownAfter(error);
    }
    // One by hand may go on although it was left.
    await this.#asked;
  }

  #go(result: IteratorResult<ServiceResponse>): void {
    this.#settle?.(result);
    this.#settle = undefined;
  }
}
