import type { RpcContext } from "../../rpc/mod.ts";
import { serviceError, tooLate, unreadable } from "../_errors.ts";
import type { ServiceRequest, ServiceResponse, WireMethod } from "../envelope/messages.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The typed requests of a stream, which begins when they are first read. */
export class TypedRequests implements AsyncIterableIterator<unknown, undefined> {
  readonly #rpc: RpcContext<ServiceRequest>;
  readonly #method: WireMethod;
  #requests: AsyncIterableIterator<ServiceRequest, undefined> | undefined;

  constructor(rpc: RpcContext<ServiceRequest>, method: WireMethod) {
    this.#rpc = rpc;
    this.#method = method;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    let result: IteratorResult<ServiceRequest, undefined>;
    try {
      result = await (this.#requests ??= this.#rpc.requests()).next();
    } catch (error) {
      throw serviceError(error);
    }
    if (result.done) return DONE;
    const { bytes, start, end } = result.value;
    try {
      return { done: false, value: this.#method.request.decode(bytes, start, end) };
    } catch (cause) {
      throw unreadable("A request", cause, "invalid-argument");
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await this.#requests?.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
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
  throwIfLate(): void;
  leave(): void;
}

/** The responses of a stream as messages, and at last what comes before its end. */
export type Responses = SyncResponses | AsyncResponses;

/** Makes messages of what a handler that answers with a stream has returned. */
export function responsesOf(answer: unknown, call: StreamedCall): Responses {
  const iterable = answer as Partial<AsyncIterable<unknown> & Iterable<unknown>> | undefined;
  if (iterable?.[Symbol.asyncIterator] !== undefined) {
    return new AsyncResponses(iterable[Symbol.asyncIterator]!(), call);
  }
  if (iterable?.[Symbol.iterator] !== undefined) {
    return new SyncResponses(iterable[Symbol.iterator]!(), call);
  }
  throw new TypeError(`The handler of ${call.path} must return an iterable`);
}

class SyncResponses implements IterableIterator<ServiceResponse> {
  readonly #iterator: Iterator<unknown>;
  readonly #call: StreamedCall;
  #over = false;

  constructor(iterator: Iterator<unknown>, call: StreamedCall) {
    this.#iterator = iterator;
    this.#call = call;
  }

  next(): IteratorResult<ServiceResponse> {
    if (this.#over) return DONE;
    try {
      this.#call.throwIfLate();
      const result = this.#iterator.next();
      if (!result.done) return { done: false, value: this.#call.item(result.value) };
    } catch (error) {
      this.#over = true;
      return { done: false, value: this.#call.failure(error) };
    }
    this.#over = true;
    const last = this.#call.trailing();
    return last === undefined ? DONE : { done: false, value: last };
  }

  return(): IteratorResult<ServiceResponse> {
    this.#over = true;
    this.#call.leave();
    this.#iterator.return?.();
    return DONE;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

class AsyncResponses implements AsyncIterableIterator<ServiceResponse> {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #call: StreamedCall;
  #over = false;
  /** Settles a `next()` that waits, with the failure. */
  #giveUp: (() => void) | undefined;

  constructor(iterator: AsyncIterator<unknown>, call: StreamedCall) {
    this.#iterator = iterator;
    this.#call = call;
    if (call.deadline !== undefined) call.onLate(() => this.#giveUp?.());
  }

  next(): Promise<IteratorResult<ServiceResponse>> {
    if (this.#over) return Promise.resolve(DONE);
    if (this.#call.deadline === undefined) return this.#next();
    return new Promise((resolve) => {
      this.#giveUp = () => {
        // The handler may never come to its end; nobody waits for it.
        this.#leave();
        resolve(this.#late());
      };
      this.#next().then(resolve);
    });
  }

  async return(): Promise<IteratorResult<ServiceResponse>> {
    this.#over = true;
    this.#call.leave();
    await this.#iterator.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<ServiceResponse>> {
    try {
      this.#call.throwIfLate();
      const result = await this.#iterator.next();
      if (this.#over) return DONE;
      if (!result.done) return { done: false, value: this.#call.item(result.value) };
    } catch (error) {
      if (this.#over) return DONE;
      this.#over = true;
      return { done: false, value: this.#call.failure(error) };
    }
    this.#over = true;
    const last = this.#call.trailing();
    return last === undefined ? DONE : { done: false, value: last };
  }

  #late(): IteratorResult<ServiceResponse> {
    this.#over = true;
    return { done: false, value: this.#call.failure(tooLate()) };
  }

  async #leave(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // It is abandoned in any case.
    }
  }
}
