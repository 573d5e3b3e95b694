import { rejected } from "./_awaited.ts";
import type { RpcStream } from "./client.ts";

/** What makes the attempts of a {@linkcode PoolStream}. */
export interface PoolStreamSource<Response> {
  /** Makes the rpc; `undefined` if `signal` has fired meanwhile. */
  open(signal: AbortSignal): Promise<RpcStream<Response> | undefined>;
  /** Returns if it may be made again after `error`; else throws what the caller is told. */
  afterFailure(error: unknown): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The answers of a streaming rpc that is made again while nothing has come of it. */
export class PoolStream<Response> implements RpcStream<Response> {
  readonly #source: PoolStreamSource<Response>;
  /** Fires when the reader leaves before there is a connection. */
  readonly #left = new AbortController();
  #attempt: Promise<RpcStream<Response> | undefined>;
  /** The rpc that has brought something, and is not made again. */
  #settled: RpcStream<Response> | undefined;
  #over = false;
  /** The first read, which those behind it wait for. */
  #first: Promise<IteratorResult<Response, undefined>> | undefined;

  constructor(source: PoolStreamSource<Response>) {
    this.#source = source;
    this.#attempt = this.#open();
  }

  next(): Promise<IteratorResult<Response, undefined>> {
    if (this.#settled) return this.#settled.next();
    if (this.#over) return Promise.resolve(DONE);
    if (this.#first === undefined) return this.#first = this.#readFirst();
    // One is told of an error; to those behind it the stream is over.
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
    // It is told to whoever reads; until then nobody may.
    attempt.catch(() => {});
    return attempt;
  }

  async #readFirst(): Promise<IteratorResult<Response, undefined>> {
    for (;;) {
      try {
        const stream = await this.#attempt;
        const result = stream ? await stream.next() : DONE;
        if (result.done) this.#over = true;
        else this.#settled = stream;
        return result;
      } catch (error) {
        if (this.#over) return DONE;
        try {
          this.#source.afterFailure(error);
        } catch (told) {
          this.#over = true;
          // The attempt may have failed before anybody read.
          return await rejected(told);
        }
        this.#attempt = this.#open();
      }
    }
  }
}
