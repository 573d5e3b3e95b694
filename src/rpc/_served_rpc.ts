import type { RpcError } from "./errors.ts";
import type { RpcId } from "./message.ts";
import type { RpcContext } from "./handler.ts";
import type { OnRpcEnd } from "./observer.ts";

/** A server's state of one RPC. */
export class ServedRpc<Response> implements RpcContext {
  readonly id: RpcId;
  /** Whether no further responses will be queued. */
  done = false;
  /** The responses of a streaming RPC. */
  iterator: AsyncIterator<Response> | Iterator<Response> | undefined;
  /** Called when the stream is left before its end. */
  onLeft: (() => void) | undefined;
  /** Its last message: the response, End or Cancel. Each RPC has exactly one. */
  last: Response | undefined;
  /** Reports the end to the observer, if there is one. */
  onEnd: OnRpcEnd | undefined;
  /** Its index in {@linkcode ActiveRpcs}, and whether it can be found there by its id. */
  place = 0;
  cancellable = false;
  /** Whether the connection waits for it before it ends. */
  awaited = false;
  #controller: AbortController | undefined;
  #reason: RpcError | undefined;

  constructor(id: RpcId) {
    this.id = id;
  }

  // Created on first use: most handlers never read it, and a controller costs more than
  // the rest of an RPC.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Reports how it ended; only the first call counts. */
  end(error: unknown): void {
    this.onEnd?.(error);
    this.onEnd = undefined;
  }

  /** Fires the handler's signal, and leaves its stream. */
  abort(reason: RpcError): void {
    this.done = true;
    this.end(reason);
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.leave();
  }

  /** Calls `return()` on its stream; whatever that throws is ignored. */
  async leave(): Promise<void> {
    this.onLeft?.();
    try {
      await this.iterator?.return?.();
    } catch {
      // The stream is being abandoned in any case.
    }
  }
}
