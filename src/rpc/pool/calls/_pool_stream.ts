import { onAbort } from "../../../waits/on_abort.ts";
import { rejected } from "../../_awaited.ts";
import type { RpcStream } from "../../client/client.ts";
import { RpcError } from "../../errors.ts";
import { failureOf, type OnRpcEnd } from "../../observer.ts";

/** What makes the attempts of a {@linkcode PoolStream}. */
export interface PoolStreamSource<Response> {
  /** Starts the RPC; `undefined` if `signal` has fired meanwhile. */
  open(signal: AbortSignal): Promise<RpcStream<Response> | undefined>;
  /** The first response has arrived, or the end of a stream without any. */
  arrived(): void;
  /** Returns if the RPC may be retried after `error`; otherwise throws the caller's error. */
  afterFailure(error: unknown): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The responses of a streaming RPC that is retried until its first response arrives. */
export class PoolStream<Response> implements RpcStream<Response> {
  readonly #source: PoolStreamSource<Response>;
  /** Fires when the reader leaves before there is a connection. */
  readonly #left = new AbortController();
  #attempt: Promise<RpcStream<Response> | undefined>;
  /** The RPC whose first response has arrived: it is not retried any more. */
  #settled: RpcStream<Response> | undefined;
  /** Created on first use: most readers never look. */
  #goingAway: AbortController | undefined;
  #over = false;
  /** The first read, which later reads wait for. */
  #first: Promise<IteratorResult<Response, undefined>> | undefined;

  constructor(source: PoolStreamSource<Response>) {
    this.#source = source;
    this.#attempt = this.#open();
  }

  get goingAway(): AbortSignal {
    if (this.#goingAway === undefined) {
      this.#goingAway = new AbortController();
      this.#follow(this.#attempt, this.#goingAway);
    }
    return this.#goingAway.signal;
  }

  next(): Promise<IteratorResult<Response, undefined>> {
    if (this.#settled) return this.#settled.next();
    if (this.#over) return Promise.resolve(DONE);
    if (this.#first === undefined) return this.#first = this.#readFirst();
    // One reader gets the error; for those behind it, the stream has ended.
    const next = () => this.next();
    return this.#first.then(next, next);
  }

  return(): Promise<IteratorResult<Response, undefined>> {
    if (this.#settled) return this.#settled.return();
    this.#over = true;
    this.#left.abort();
    this.#attempt.then((stream) => stream?.return(), () => {});
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #open(): Promise<RpcStream<Response> | undefined> {
    const attempt = this.#source.open(this.#left.signal);
    // Readers get the error; until one reads, it must not count as unhandled.
    attempt.catch(() => {});
    if (this.#goingAway) this.#follow(attempt, this.#goingAway);
    return attempt;
  }

  /** Hands on the advice to open the stream elsewhere. */
  #follow(attempt: Promise<RpcStream<Response> | undefined>, told: AbortController): void {
    attempt.then((stream) => {
      if (!stream) return;
      const { goingAway } = stream;
      if (goingAway.aborted) told.abort(goingAway.reason);
      else onAbort(goingAway, () => told.abort(goingAway.reason));
    }, () => {});
  }

  async #readFirst(): Promise<IteratorResult<Response, undefined>> {
    for (;;) {
      try {
        const stream = await this.#attempt;
        const result = stream ? await stream.next() : DONE;
        if (stream) this.#source.arrived();
        if (result.done) this.#over = true;
        else this.#settled = stream;
        return result;
      } catch (error) {
        if (this.#over) return DONE;
        try {
          this.#source.afterFailure(error);
        } catch (told) {
          this.#over = true;
          // The attempt may have failed before the first read.
          return await rejected(told);
        }
        this.#attempt = this.#open();
      }
    }
  }
}

/** A stream whose end is reported: its last response, its error, or that its reader has left. */
export class ObservedStream<Response> implements RpcStream<Response> {
  readonly #stream: RpcStream<Response>;
  #onEnd: OnRpcEnd | undefined;

  constructor(stream: RpcStream<Response>, onEnd: OnRpcEnd) {
    this.#stream = stream;
    this.#onEnd = onEnd;
  }

  get goingAway(): AbortSignal {
    return this.#stream.goingAway;
  }

  next(): Promise<IteratorResult<Response, undefined>> {
    const result = this.#stream.next();
    result.then(({ done }) => done && this.#end(undefined), (error) => this.#end(failureOf(error)));
    return result;
  }

  return(): Promise<IteratorResult<Response, undefined>> {
    this.#end(new RpcError("cancelled", "The stream was left"));
    return this.#stream.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #end(error: unknown): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(error);
  }
}
