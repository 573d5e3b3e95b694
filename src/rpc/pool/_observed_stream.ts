import type { RpcStream } from "../client/client.ts";
import { RpcError } from "../errors.ts";
import { failureOf, type OnRpcEnd } from "../observer.ts";

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
