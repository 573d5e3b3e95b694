import { integer } from "../../check.ts";
import { observe, type ObservedRpc, type OnRpcEnd, type RpcObserver } from "../observer.ts";
import { refused, type RpcHandler } from "./handler.ts";

/** How many RPCs are in progress on all connections of a server; more are not begun. */
export class Load {
  readonly #max: number;
  #count = 0;
  /** Whether the request that has just been seen may be begun. */
  #admitted = true;

  /** Throws a `RangeError` for a number out of range. */
  constructor(maxRpcs: number) {
    this.#max = integer("maxRpcs", maxRpcs, 1, 2 ** 31);
  }

  /**
   * An observer that counts. A reactor tells it of each RPC just before it calls the handler,
   * and of its end in whatever way it ends.
   */
  observer<Request>(next: RpcObserver<Request> | undefined): RpcObserver<Request> {
    return {
      onRpc: (rpc: ObservedRpc<Request>): OnRpcEnd | void => {
        const onEnd = next && observe(next, rpc);
        this.#admitted = this.#count < this.#max;
        if (!this.#admitted) return onEnd;
        this.#count++;
        return (error) => {
          this.#count--;
          onEnd?.(error);
        };
      },
    };
  }

  /** A handler that refuses what may not be begun. */
  handler<Request, Response>(
    handler: RpcHandler<Request, Response>,
  ): RpcHandler<Request, Response> {
    return (request, context) => {
      if (this.#admitted) return handler(request, context);
      // What a reactor passes is its own.
      (context as { shed?: boolean }).shed = true;
      return refused;
    };
  }
}
