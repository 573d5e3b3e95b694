import { shown, wrong } from "../../check.ts";
import type { RpcStream } from "../../rpc/mod.ts";
import { isTooMuch, statusError } from "../_errors.ts";
import { ServiceRequest, type ServiceResponse, type WireMethod } from "../envelope/messages.ts";
import { mapped } from "../envelope/mapped.ts";
import { polled } from "../envelope/polled.ts";
import type { CallLimit } from "./_limit.ts";
import { failed, readResponse, tooMuchMetadata } from "./_reading.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The typed responses of a stream. */
export class TypedStream implements RpcStream<unknown> {
  readonly #stream: RpcStream<ServiceResponse>;
  readonly #method: WireMethod;
  readonly #onResponse: ((response: ServiceResponse) => void) | undefined;
  #over = false;
  readonly #read: (result: IteratorResult<ServiceResponse, undefined>) => IteratorResult<
    unknown,
    undefined
  >;

  constructor(
    stream: RpcStream<ServiceResponse>,
    method: WireMethod,
    onResponse?: (response: ServiceResponse) => void,
  ) {
    this.#stream = stream;
    this.#method = method;
    this.#onResponse = onResponse;
    this.#read = (result) => this.#take(result);
  }

  get goingAway(): AbortSignal {
    return this.#stream.goingAway;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const response = polled(this.#stream);
    if (response === undefined) return this.#stream.next().then(this.#read, failed);
    try {
      return Promise.resolve(this.#take({ done: false, value: response }));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#over = true;
    await this.#stream.return();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(result: IteratorResult<ServiceResponse, undefined>): IteratorResult<unknown, undefined> {
    if (result.done || this.#over) return DONE;
    const response = result.value;
    try {
      this.#onResponse?.(response);
      if (response.status === undefined) {
        return { done: false, value: readResponse(this.#method, response) };
      }
      if (isTooMuch(response)) throw tooMuchMetadata();
    } catch (error) {
      // What comes then cannot be of use.
      this.return();
      throw error;
    }
    // Only the end follows.
    this.#over = true;
    this.#stream.next().then(({ done }) => void (done || this.#stream.return())).catch(() => {});
    if (response.status.code !== 0) throw statusError(response);
    return DONE;
  }
}

/** A stream of responses that interceptors have yet to begin. */
export class LateStream implements RpcStream<unknown> {
  readonly #begun: Promise<AsyncIterator<unknown>>;
  readonly #limit: CallLimit | undefined;
  #over = false;
  #left: Promise<unknown> | undefined;
  #goingAway: AbortController | undefined;

  constructor(answer: Promise<unknown>, path: string, limit: CallLimit | undefined) {
    this.#begun = answer.then((answer) => {
      const { [Symbol.asyncIterator]: later } = Object(answer);
      if (typeof later === "function") return later.call(answer);
      throw wrong(
        `An interceptor has answered ${path} with what is no async iterable: ${shown(answer)}`,
      );
    });
    this.#limit = limit;
    // Readers get the error; until one reads, it must not count as unhandled.
    this.#begun.catch(() => limit?.release());
  }

  get goingAway(): AbortSignal {
    if (this.#goingAway !== undefined) return this.#goingAway.signal;
    const controller = this.#goingAway = new AbortController();
    this.#begun.then((iterator) => {
      const { goingAway } = iterator as Partial<RpcStream<unknown>>;
      if (goingAway?.aborted) controller.abort(goingAway.reason);
      else goingAway?.addEventListener("abort", () => controller.abort(goingAway.reason));
    }, () => {});
    return controller.signal;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#over) return DONE;
    let result: IteratorResult<unknown, undefined> = DONE;
    try {
      return result = await this.#next();
    } finally {
      // It has ended, or failed.
      if (result.done) {
        this.#over = true;
        this.#limit?.release();
      }
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#over = true;
    const left = this.#leave();
    try {
      await (this.#limit === undefined ? left : this.#limit.wait(left, () => undefined));
    } finally {
      this.#limit?.release();
    }
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #next(): Promise<IteratorResult<unknown, undefined>> {
    const next = this.#begun.then((iterator) => iterator.next());
    return this.#limit === undefined ? next : this.#limit.wait(next, (failure) => {
      // Nobody reads on, and `for await` leaves nothing that has failed.
      this.#leave().catch(() => {});
      return failure();
    });
  }

  #leave(): Promise<unknown> {
    return this.#left ??= this.#begun.then((iterator) => iterator.return?.(), () => {});
  }
}

/** The further requests of a call, as messages. */
export function requestsOf(
  method: WireMethod,
  requests: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncIterable<ServiceRequest> | Iterable<ServiceRequest> {
  const messages = mapped(requests, (value) => {
    const request = new ServiceRequest();
    request.body = method.request;
    request.value = value;
    return request;
  });
  if (messages) return messages;
  throw wrong(`${method.path} takes an iterable of requests, not ${shown(requests)}`);
}
