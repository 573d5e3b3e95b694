import type { SendBudget, Sender } from "../../../mod.ts";
import { Fifo } from "../../waits/fifo.ts";
import { reservedEnd } from "../_flow.ts";
import type { RpcId, RpcMessage } from "../message.ts";

/** A stream that the server may send more of. */
export interface Granted {
  readonly id: number;
  readonly done: boolean;
}

/**
 * What a client tells its server besides requests: how it reads streams, which RPCs it cancels, and
 * which streams may go on. They are about requests that were sent, so that they need not wait
 * behind those that were not.
 */
export class Notices<Request> {
  readonly #messages: RpcMessage<Request>;
  readonly #maxBufferedBytes: number;
  readonly #sender: Sender<Request>;
  readonly #cancels = new Fifo<RpcId>();
  readonly #grants = new Fifo<Granted>();
  /**
   * Whether the server could be told how streams are read, once that has been tried: the ids of some
   * schemas have no room for it. See `_flow.ts`.
   */
  #announced: boolean | undefined;

  constructor(messages: RpcMessage<Request>, maxBufferedBytes: number, sender: Sender<Request>) {
    this.#messages = messages;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#sender = sender;
  }

  /** How many wait. */
  get pending(): number {
    return this.#cancels.length + this.#grants.length;
  }

  /** Cancels the RPC of that id. */
  cancel(id: RpcId): void {
    this.#cancels.push(id);
    this.#sender.wake();
  }

  /** Lets the server send more of a stream. */
  grant(stream: Granted): void {
    if (stream.done || !this.#announced) return;
    this.#grants.push(stream);
    this.#sender.wake();
  }

  /** Sends what waits, while there is room. */
  pull(budget: SendBudget<Request>): void {
    while (budget.remaining > 0 && this.#cancels.length > 0) {
      budget.send(this.#messages.cancelled(this.#cancels.shift()));
    }
    while (budget.remaining > 0 && this.#grants.length > 0) {
      const stream = this.#grants.shift();
      if (!stream.done) budget.send(this.#messages.ended(stream.id));
    }
  }

  /** Says how streams are read, if there is room. To be called before each request. */
  announce(budget: SendBudget<Request>): void {
    if (this.#announced !== undefined || budget.remaining === 0) return;
    const announcement = reservedEnd(this.#messages, this.#maxBufferedBytes);
    this.#announced = announcement !== undefined;
    if (announcement !== undefined) budget.send(announcement);
  }
}
