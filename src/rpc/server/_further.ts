import { ConnectionError } from "../../../mod.ts";
import { itemId, lastId, mayHaveItems, question } from "../_flow.ts";
import { ItemStream } from "../_item_stream.ts";
import type { RpcError } from "../errors.ts";
import { ControlCode, type RpcMessages } from "../message.ts";
import type { Outgoing } from "./_outgoing.ts";
import type { ServedRpc } from "./_served_rpc.ts";

/** The streams of requests of a connection, each at the pace of its handler. */
export class FurtherRequests<Request, Response> {
  readonly #messages: RpcMessages<Request, Response>;
  readonly #outgoing: Outgoing<Request, Response>;
  readonly #window: number;
  /** Whether the client sends such streams, and has not ended. */
  #questioned = false;

  /** `window` is what may be unread of one of them, in bytes. */
  constructor(
    messages: RpcMessages<Request, Response>,
    outgoing: Outgoing<Request, Response>,
    window: number,
  ) {
    this.#messages = messages;
    this.#outgoing = outgoing;
    this.#window = window;
  }

  /** Says that such streams are taken. */
  onQuestion(): void {
    if (this.#questioned) return;
    this.#questioned = true;
    const answer = question(this.#messages.response, this.#window);
    if (answer !== undefined) this.#outgoing.note(answer);
  }

  /** Lets the client send the further requests of an RPC, if there may be any. */
  begin(rpc: ServedRpc<Request, Response>): ItemStream<Request> {
    const { id } = rpc;
    const stream = new ItemStream<Request>(this.#window, {
      onLeave: () => {
        this.#outgoing.waited(rpc);
        this.#note(lastId(id as number));
      },
      onTaken: () => {
        if (!rpc.done) this.#note(itemId(id as number));
      },
    }, this.#messages.request);
    // Who sends no such streams has said nothing about them.
    if (rpc.reason !== undefined) {
      // One that is read only after a cancel is cut off all the same.
      stream.fail(rpc.reason);
    } else if (!this.#questioned || !mayHaveItems(id) || rpc.done) {
      stream.end();
    } else {
      this.#outgoing.wait(rpc);
      this.#note(itemId(id));
    }
    return stream;
  }

  /** A further request of an RPC, or that there are no more. */
  onFurther(
    { id, last }: { readonly id: number; readonly last: boolean },
    request: Request,
    bytes: number,
  ): void {
    const rpc = this.#outgoing.active.get(id);
    // It has been answered already, or the handler has left the stream.
    if (!rpc?.inbound?.isOpen) return;
    if (last) return this.end(rpc, undefined);
    // For its handler it is a request like the first, which may be answered with itself.
    this.#messages.request.setCode?.(request, ControlCode.normal);
    if (rpc.inbound.push(request, bytes)) return;
    throw new ConnectionError("invalid-message", "A stream of requests has more than its credit");
  }

  /** No further requests of an RPC will come, because of an error or not. */
  end(rpc: ServedRpc<Request, Response>, error: RpcError | undefined): void {
    const { inbound } = rpc;
    if (!inbound?.isOpen) return;
    this.#outgoing.waited(rpc);
    if (error) inbound.fail(error);
    else inbound.end();
  }

  /** Ends all of them: the client has ended. */
  endAll(error: (rpc: ServedRpc<Request, Response>) => RpcError): void {
    this.#questioned = false;
    for (const rpc of this.#outgoing.active) this.end(rpc, error(rpc));
  }

  #note(id: number): void {
    this.#outgoing.note(this.#messages.response.ended(id));
  }
}
