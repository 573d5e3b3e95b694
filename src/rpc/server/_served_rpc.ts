import type { RpcError } from "../errors.ts";
import type { ItemStream } from "../_item_stream.ts";
import type { CancellableRpc, Cancelled } from "../cancelling.ts";
import type { CancelReason, RpcId } from "../message.ts";
import type { OnRpcEnd } from "../observer.ts";

/** What an RPC has to send. Each RPC has exactly one message that is not an item: its last. */
export const Due: {
  readonly nothing: 0;
  /** The next item of a stream. */
  readonly item: 1;
  /** The one response. */
  readonly answer: 2;
  /** The end of a stream. */
  readonly end: 3;
  /** That it was cancelled, refused, or has failed. */
  readonly cancel: 4;
  /** That the client expects an answer of the other kind. */
  readonly mismatch: 5;
} = { nothing: 0, item: 1, answer: 2, end: 3, cancel: 4, mismatch: 5 };

/** What a stream needs besides. */
export interface ServedStream<Response> {
  readonly iterator: AsyncIterator<Response> | Iterator<Response>;
  /** Whether it is pulled, or a loop waits for its items. */
  readonly isAsync: boolean;
  /** Whether `next()` of a synchronous iterator is running. */
  running: boolean;
  /** What the client has not acknowledged, counted as `costOf` does. */
  ahead: number;
  /** Whether it waits for the client to acknowledge something. */
  parked: boolean;
  /** For an asynchronous one, what it waits with: for that, or for room to send. */
  resume: (() => void) | undefined;
}

/** What an RPC needs of its connection. */
export interface RpcOwner<Request, Response> {
  /** Lets the client send the further requests of an RPC. */
  openRequests(rpc: ServedRpc<Request, Response>): ItemStream<Request>;
  /** Whether the client expects a stream for that id. */
  expectsStream(id: RpcId): boolean | undefined;
}

/** A server's state of one RPC. */
export class ServedRpc<Request, Response> implements CancellableRpc<Request> {
  readonly id: RpcId;
  readonly #owner: RpcOwner<Request, Response>;
  /** What is next to send, one of {@linkcode Due}, and with it the item or response. */
  due = 0;
  response: Response | undefined;
  /** Whether no further responses will be queued. */
  done = false;
  /** Whether the last message has been sent. */
  sent = false;
  stream: ServedStream<Response> | undefined;
  /** The further requests, once the handler has asked for them. */
  inbound: ItemStream<Request> | undefined;
  /** Why it is cancelled, if that is its last message; a client that cancels knows. */
  why: CancelReason | undefined;
  /** Whether it was not begun as the server has too much to do. */
  shed = false;
  /** Reports the end to the observer, if there is one. */
  onEnd: OnRpcEnd | undefined;
  /** Its index in {@linkcode ActiveRpcs}, or -1, and whether it can be found there by its id. */
  place = -1;
  cancellable = false;
  /** Whether the connection waits for it before it ends. */
  awaited = false;
  /** For how much it waits that the client may have sent: to read its stream, more requests. */
  waits = 0;
  /** Why it was ended, if not by its answer. */
  reason: RpcError | undefined;
  watcher: Cancelled | undefined;
  running: Promise<unknown> | undefined;
  #controller: AbortController | undefined;

  constructor(id: RpcId, owner: RpcOwner<Request, Response>) {
    this.id = id;
    this.#owner = owner;
  }

  get expectsStream(): boolean | undefined {
    return this.#owner.expectsStream(this.id);
  }

  requests(): AsyncIterableIterator<Request, undefined> {
    return this.inbound ??= this.#owner.openRequests(this);
  }

  // Created on first use: most handlers never read it, and a controller costs more than
  // the rest of an RPC.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.reason) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Reports how it ended; only the first call counts. */
  end(error: unknown): void {
    const { onEnd } = this;
    if (onEnd === undefined) return;
    this.onEnd = undefined;
    onEnd(error);
  }

  /** Fires the handler's signal, and leaves its stream. */
  abort(reason: RpcError): void {
    this.done = true;
    this.end(reason);
    this.reason = reason;
    this.#controller?.abort(reason);
    this.watcher?.onCancelled(reason);
    this.inbound?.fail(reason);
    this.leave();
  }

  /** Calls `return()` on its stream; whatever that throws is ignored. */
  leave(): void {
    const { stream } = this;
    // A generator cannot be left from within itself: whoever runs it does it after that.
    if (stream === undefined || stream.running) return;
    stream.resume?.();
    const left = leave(stream.iterator);
    // A generator may take its time, and counts for as long.
    if (stream.isAsync) this.running ??= left;
  }
}

async function leave(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // The stream is being abandoned in any case.
  }
}

/** Lets an asynchronous stream go on, if it waits. */
export function wakeUp(stream: ServedStream<unknown>): void {
  const { resume } = stream;
  stream.resume = undefined;
  resume?.();
}
