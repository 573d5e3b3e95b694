import type { SendBudget, Sender, SocketAddress } from "../../../mod.ts";
import { Fifo } from "../../waits/fifo.ts";
import { tell } from "../../user_callback.ts";
import { costOf, neighbour, notBegun } from "../_flow.ts";
import { encodeFailed, RpcError, type RpcErrorOptions } from "../errors.ts";
import type { RpcId, RpcMessage } from "../message.ts";
import { failureOf } from "../observer.ts";
import { ActiveRpcs } from "./_active_rpcs.ts";
import { refused } from "./handler.ts";
import { Due, type ServedRpc, wakeUp } from "./_served_rpc.ts";
import type { FailedRpc } from "./server_options.ts";

/** What {@linkcode Outgoing} needs to know, for all connections of a server. */
export interface OutgoingConfig<Response> {
  readonly messages: { readonly response: RpcMessage<Response> };
  readonly onError: (error: unknown, rpc: FailedRpc) => void;
}

/** What {@linkcode Outgoing} tells whom it belongs to. */
export interface OutgoingEvents<Request, Response> {
  /** An active RPC has decided its last message, for that reason if it was ended. */
  onDone(rpc: ServedRpc<Request, Response>, reason: RpcError | undefined): void;
  /** One more RPC may be begun, perhaps. */
  onRoom(): void;
}

/** What a connection's RPCs have to send, and how each of them ends. */
export class Outgoing<Request, Response> {
  /** RPCs whose handlers did not return a response at once. */
  readonly active: ActiveRpcs<Request, Response> = new ActiveRpcs<Request, Response>();
  /** How much of a stream may be ahead of its reader; see `_flow.ts`. */
  window: number | undefined;
  readonly #config: OutgoingConfig<Response>;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #sender: Sender<Response>;
  readonly #events: OutgoingEvents<Request, Response>;
  /** Ends that are about the connection, or about the further requests of an RPC. */
  readonly #notes = new Fifo<Response>();
  /** RPCs that have something to send: each an item at most, or its last message. */
  readonly #ready = new Fifo<ServedRpc<Request, Response>>();
  /** How many RPCs wait for what the client may have sent. */
  waiting = 0;
  /** How many RPCs that are not active have not sent their last message. */
  #unsent = 0;
  /** The error of the message that was just sent, if it could not be encoded. */
  #unencodable: { readonly error: unknown } | undefined;

  constructor(
    config: OutgoingConfig<Response>,
    remoteAddress: SocketAddress | undefined,
    sender: Sender<Response>,
    events: OutgoingEvents<Request, Response>,
  ) {
    this.#config = config;
    this.#remoteAddress = remoteAddress;
    this.#sender = sender;
    this.#events = events;
  }

  /** How many RPCs wait with something to send. */
  get pending(): number {
    return this.#ready.length;
  }

  /** How many Ends wait that are no RPC's last message. */
  get notes(): number {
    return this.#notes.length;
  }

  /** How many RPCs are in progress. */
  get size(): number {
    return this.active.size + this.#unsent;
  }

  /** Sends what is due, while there is room. */
  pull(budget: SendBudget<Response>): void {
    while (budget.remaining > 0 && this.#notes.length > 0) budget.send(this.#notes.shift());
    while (budget.remaining > 0 && this.#ready.length > 0) this.emit(this.#ready.shift(), budget);
  }

  /** Tells the client something that is not an answer. */
  note(end: Response): void {
    this.#notes.push(end);
    this.#sender.wake();
  }

  /** A message could not be encoded. */
  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
  }

  /** The connection has ended: what was not sent will not be. */
  close(lost: (id: RpcId) => RpcError): void {
    while (this.#ready.length > 0) {
      const rpc = this.#ready.shift();
      rpc.end(lost(rpc.id));
    }
  }

  /** Sends what an RPC has to send. */
  emit(rpc: ServedRpc<Request, Response>, budget: SendBudget<Response>): void {
    const messages = this.#config.messages.response;
    const { due, response } = rpc;
    rpc.due = Due.nothing;
    rpc.response = undefined;
    if (due === Due.item || due === Due.answer) {
      const bytes = this.#encode(rpc, response!, budget);
      if (bytes === undefined) return;
      if (due === Due.item) {
        const stream = rpc.stream!;
        if (this.window !== undefined) stream.ahead += costOf(bytes, this.window);
        return wakeUp(stream);
      }
    } else if (due === Due.end) {
      budget.send(messages.ended(rpc.id));
    } else if (due === Due.cancel) {
      const unbegun = rpc.shed && this.window !== undefined && notBegun(messages, rpc.id);
      budget.send(unbegun || messages.cancelled(rpc.id, rpc.why));
    } else {
      budget.send(messages.cancelled(neighbour(rpc.id as number)));
    }
    rpc.sent = true;
    if (rpc.place < 0) this.#unsent--;
    rpc.end(undefined);
  }

  /** Encodes a response; returns its size, or `undefined` if that failed: then it is cancelled. */
  #encode(
    rpc: ServedRpc<Request, Response>,
    response: Response,
    budget: SendBudget<Response>,
  ): number | undefined {
    this.#unencodable = undefined;
    let bytes = 0;
    try {
      // Only now, as the same object may be the answer to several requests.
      this.#config.messages.response.setId(response, rpc.id);
      bytes = budget.send(response);
    } catch (error) {
      this.onEncodeError(error);
    }
    // Set by onEncodeError.
    const failed = this.#unencodable as { readonly error: unknown } | undefined;
    if (failed === undefined) return bytes;
    rpc.why = "failed";
    const reason = encodeFailed("A response", { ...this.about(rpc.id), cause: failed.error });
    if (rpc.done) {
      this.due(rpc, Due.cancel);
      rpc.abort(reason);
    } else {
      this.cancel(rpc, reason);
    }
    this.report(failed.error, rpc.id, response);
    return undefined;
  }

  /** Answers with the one response, or refuses. */
  answer(rpc: ServedRpc<Request, Response>, answer: Response | typeof refused): void {
    if (answer === refused) {
      rpc.why = "refused";
      this.last(rpc, Due.cancel);
      // For an observer only: an error takes longer than all else of a refusal.
      if (rpc.onEnd === undefined) return;
      rpc.end(new RpcError("cancelled", "The request was refused", this.about(rpc.id)));
    } else {
      rpc.response = answer;
      this.last(rpc, Due.answer);
    }
  }

  /** The client expects an answer of the other kind. */
  mismatch(rpc: ServedRpc<Request, Response>, answer: string, expected: string): void {
    const message = `The handler answered with ${answer}, where the client expects ${expected}`;
    const error = new RpcError("answer-mismatch", message, this.about(rpc.id));
    this.last(rpc, Due.mismatch, error);
    rpc.abort(error);
    this.report(error, rpc.id);
  }

  /** The handler threw: cancels its RPC alone. */
  fail(rpc: ServedRpc<Request, Response>, thrown: unknown): void {
    // A handler whose RPC was cancelled is expected to throw.
    if (rpc.done) return;
    const error = failureOf(thrown);
    rpc.why = "failed";
    this.last(rpc, Due.cancel);
    rpc.end(error);
    rpc.leave();
    this.report(error, rpc.id);
  }

  /** Ends an RPC for a reason that is not its handler's. */
  cancel(rpc: ServedRpc<Request, Response>, reason: RpcError): void {
    this.last(rpc, Due.cancel, reason);
    rpc.abort(reason);
  }

  /** Decides an RPC's last message; nothing else is sent of it. */
  last(rpc: ServedRpc<Request, Response>, due: number, reason?: RpcError): void {
    rpc.done = true;
    if (rpc.place < 0) {
      this.#unsent++;
    } else {
      this.active.close(rpc);
      this.#events.onDone(rpc, reason);
    }
    if (due !== Due.answer) rpc.response = undefined;
    this.due(rpc, due);
    this.#sender.wake();
  }

  /** Sets what an RPC has to send next. */
  due(rpc: ServedRpc<Request, Response>, due: number): void {
    const waits = rpc.due !== Due.nothing;
    rpc.due = due;
    if (!waits) this.#ready.push(rpc);
  }

  /** An RPC begins to wait for something that the client may have sent. */
  wait(rpc: ServedRpc<Request, Response>): void {
    if (rpc.waits++ === 0) this.waiting++;
  }

  /** An RPC does not wait any more for one such thing. */
  waited(rpc: ServedRpc<Request, Response>): void {
    if (--rpc.waits === 0) this.waiting--;
  }

  /** Nothing of an RPC is running any more, but what it says itself. */
  return(rpc: ServedRpc<Request, Response>): void {
    if (rpc.place < 0) return;
    const { running } = rpc;
    if (running !== undefined) {
      return void running.then(() => {
        rpc.running = undefined;
        this.return(rpc);
      });
    }
    this.active.remove(rpc);
    if (!rpc.sent) this.#unsent++;
    this.#events.onRoom();
  }

  /** The details for an error: the RPC's id and the peer's address. */
  about(id: RpcId): RpcErrorOptions {
    return { id, remoteAddress: this.#remoteAddress };
  }

  /** Tells of what went wrong with an RPC, and with which response of it, if with one. */
  report(error: unknown, id: RpcId, response?: Response): void {
    const remoteAddress = this.#remoteAddress;
    tell(this.#config.onError, error, {
      id,
      ...(remoteAddress && { remoteAddress }),
      ...(response !== undefined && { response }),
    });
  }
}
