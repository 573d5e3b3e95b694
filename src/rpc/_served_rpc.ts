import type { RpcError } from "./errors.ts";
import type { RpcId } from "./message.ts";
import type { OnRpcEnd } from "./observer.ts";
import type { RpcContext } from "./reactor.ts";

/** An rpc of a server, as its connection's reactor keeps it. */
export class ServedRpc<Response> implements RpcContext {
  readonly id: RpcId;
  /** Nothing more is answered than what waits to be sent. */
  done = false;
  /** The answers of a streaming rpc. */
  iterator: AsyncIterator<Response> | Iterator<Response> | undefined;
  /** Hears that nobody reads those on. */
  onLeft: (() => void) | undefined;
  /** Its last message, of which it has one: its answer, End or Cancel. */
  last: Response | undefined;
  /** Hears of the end, if somebody watches. */
  onEnd: OnRpcEnd | undefined;
  /** Where it is among the {@linkcode ActiveRpcs}, and whether they find it by its id. */
  place = 0;
  cancellable = false;
  /** Whether the end of the connection waits for it. */
  awaited = false;
  #controller: AbortController | undefined;
  #reason: RpcError | undefined;

  constructor(id: RpcId) {
    this.id = id;
  }

  // Made when it is asked for: most handlers never look, and a controller costs more
  // than the rest of an rpc.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Tells how it ended; the first time counts. */
  end(error: unknown): void {
    this.onEnd?.(error);
    this.onEnd = undefined;
  }

  /** Fires the handler's signal and leaves its stream. */
  abort(reason: RpcError): void {
    this.done = true;
    this.end(reason);
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.leave();
  }

  /** Tells its stream that nobody reads on; what that makes of it is its own matter. */
  async leave(): Promise<void> {
    this.onLeft?.();
    try {
      await this.iterator?.return?.();
    } catch {
      // It was being left in any case.
    }
  }
}
