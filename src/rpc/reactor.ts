import type { CloseReason, Reactor, SendBudget, Sender } from "../../mod.ts";
import { Fifo } from "../fifo.ts";
import { ActiveRpcs } from "./_active_rpcs.ts";
import { ServedRpc } from "./_served_rpc.ts";
import { connectionClosed, RpcError, type RpcErrorOptions } from "./errors.ts";
import { refused, type RpcAnswer, type RpcHandler, type RpcResult } from "./handler.ts";
import {
  checkedId,
  ControlCode,
  plainId,
  type RpcId,
  type RpcMessage,
  type RpcMessages,
} from "./message.ts";
import { observe } from "./observer.ts";
import {
  checkRpcServerOptions,
  type RpcReactorOptions,
  type RpcServerOptions,
} from "./server_options.ts";

/**
 * Makes a reactor that serves RPCs on one connection. {@linkcode serveRpc} does this for
 * each connection of a listener; use this for a Duplex from elsewhere. Throws a
 * `RangeError` for an option out of range.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient, rpcReactor } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 * const [here, there] = duplexPair();
 * await using connection = new Connection(there, {
 *   codec: json<Plain<string>>(),
 *   reactor: rpcReactor(messages, ({ body }) => plain(`hello, ${body}`)),
 * });
 * await using client = new RpcClient(here, { codec: json<Plain<string>>(), messages });
 * console.log((await client.unary(plain("world"))).body); // hello, world
 * ```
 */
export function rpcReactor<Request, Response>(
  messages: RpcMessages<Request, Response>,
  handler: RpcHandler<Request, Response>,
  options: RpcReactorOptions<Request> = {},
): (sender: Sender<Response>) => Reactor<Request, Response> {
  const { remoteAddress, rpcObserver } = options;
  const settings = { ...checkRpcServerOptions(options), remoteAddress, rpcObserver };
  return (sender) => new RpcReactor(messages, handler, settings, sender);
}

type Settings<Request> = Required<RpcServerOptions> & RpcReactorOptions<Request>;

class RpcReactor<Request, Response> implements Reactor<Request, Response> {
  readonly #request: RpcMessage<Request>;
  readonly #response: RpcMessage<Response>;
  readonly #handler: RpcHandler<Request, Response>;
  readonly #settings: Settings<Request>;
  readonly #sender: Sender<Response>;
  /** RPCs whose handlers did not return a response at once. */
  readonly #active = new ActiveRpcs<Response>();
  /** What waits for room to send: items of streams, and RPCs whose last message is due. */
  readonly #ready = new Fifo<Response | ServedRpc<Response>>();
  /** The RPCs whose last messages went out in the latest pull, and how many there are. */
  readonly #pulled: (ServedRpc<Response> | undefined)[] = [];
  #pulledCount = 0;
  /** Async streams that wait until fewer responses are queued. */
  readonly #waitingStreams: (() => void)[] = [];
  /** Streams whose items are pulled when there is room to send. */
  readonly #sources = new Fifo<Source<Response>>();
  /** Whether the latest pull had no room for those; otherwise other streams would starve them. */
  #itemsWaited = false;
  /** Admits the request that waits at `maxConcurrentRpcs`. */
  #goOn: (() => void) | undefined;
  /** Whether new requests are refused. */
  #draining = false;
  /** How the connection ended, once it has. */
  #closed: CloseReason | undefined;

  constructor(
    messages: RpcMessages<Request, Response>,
    handler: RpcHandler<Request, Response>,
    settings: Settings<Request>,
    sender: Sender<Response>,
  ) {
    this.#request = messages.request;
    this.#response = messages.response;
    this.#handler = handler;
    this.#settings = settings;
    this.#sender = sender;
  }

  onInboundMessage(request: Request): void | Promise<void> {
    const code = this.#request.code(request);
    if (code === ControlCode.end) return;
    const id = checkedId(this.#request.id(request));
    if (code === ControlCode.normal) {
      if (!this.#isFull()) return this.#open(id, request);
      return new Promise((resolve) => {
        this.#goOn = () => (this.#open(id, request), resolve());
      });
    }
    const rpc = this.#active.get(id);
    if (rpc === undefined) return;
    this.#cancel(rpc, new RpcError("cancelled", "The client cancelled the rpc", this.#about(id)));
  }

  pullOutbound(budget: SendBudget<Response>): void {
    const before = budget.remaining;
    while (this.#pulledCount > 0) this.#pulled[--this.#pulledCount] = undefined;
    const itemsFirst = this.#itemsWaited;
    if (itemsFirst) this.#pullItems(budget);
    while (budget.remaining > 0 && this.#ready.length > 0) {
      const next = this.#ready.peek();
      // A stream must not end as complete after an item that cannot be encoded, so its
      // end waits for the next pull, by when all items of this one have been encoded.
      if (next instanceof ServedRpc && next.iterator && budget.remaining < before) break;
      this.#ready.shift();
      budget.send(next instanceof ServedRpc ? this.#pullLast(next) : next);
    }
    this.#itemsWaited = !itemsFirst && budget.remaining === 0;
    if (!itemsFirst) this.#pullItems(budget);
    // The next pull also lets go of what this one has given.
    if (this.#pulledCount > 0 || this.#ready.length > 0 || this.#sources.length > 0) {
      this.#sender.wake();
    }
    for (const goOn of this.#waitingStreams.splice(0)) goOn();
    this.#readOn();
  }

  onEncodeError(cause: unknown, response: Response): void {
    const id = plainId(this.#response.id(response));
    this.#report(cause, id);
    if (this.#response.code(response) !== ControlCode.normal) return;
    const unary = this.#pulled.find((rpc) => rpc?.last === response);
    const rpc = unary ?? this.#active.get(id);
    // An item of a stream that has already ended.
    if (rpc === undefined) return;
    if (unary) unary.last = undefined;
    this.#cancel(
      rpc,
      new RpcError("encode-failed", "A response cannot be encoded", { ...this.#about(id), cause }),
    );
  }

  async onInboundEnd(): Promise<void> {
    // No more requests will come; those that were not cancelled are still answered.
    await this.#active.settled();
  }

  async onDrain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    signal.addEventListener("abort", () => {
      for (const rpc of this.#active) {
        const about = this.#about(rpc.id);
        const reason = new RpcError("cancelled", "The server is shutting down", about);
        if (!rpc.done) this.#cancel(rpc, reason);
      }
    });
    await this.onInboundEnd();
  }

  onClose(reason: CloseReason): void {
    this.#closed = reason;
    for (const rpc of this.#active) {
      if (!rpc.done) this.#lose(rpc, reason);
    }
    this.#ready.clear();
    this.#sources.clear();
    for (const goOn of this.#waitingStreams.splice(0)) goOn();
    // The request that waits at the limit is never handled.
    this.#goOn = undefined;
  }

  /** The connection has ended before the RPC. */
  #lose(rpc: ServedRpc<Response>, reason: CloseReason): void {
    const cause = reason.kind === "error" ? reason.error : undefined;
    rpc.abort(connectionClosed({ ...this.#about(rpc.id), cause }));
  }

  #isFull(): boolean {
    return this.#active.size + this.#ready.length >= this.#settings.maxConcurrentRpcs;
  }

  #open(id: RpcId, request: Request): void {
    const rpc = new ServedRpc<Response>(id);
    const { rpcObserver, remoteAddress } = this.#settings;
    if (rpcObserver) rpc.onEnd = observe(rpcObserver, { id, request, remoteAddress });
    if (this.#draining) return this.#answer(rpc, refused);
    try {
      const answer = this.#handler(request, rpc);
      if (isPromise(answer) || isStream(answer) || isIterator(answer)) this.#run(rpc, answer);
      else this.#answer(rpc, answer);
    } catch (error) {
      this.#fail(rpc, error);
    }
  }

  /** Tracks an RPC that is not answered at once until its handler has returned. */
  async #run(rpc: ServedRpc<Response>, answer: RpcAnswer<Response>): Promise<void> {
    this.#active.add(rpc);
    // Its own handler may have ended the connection.
    if (this.#closed) this.#lose(rpc, this.#closed);
    try {
      const result = isPromise(answer) ? await answer : answer;
      if (isStream(result)) await this.#stream(rpc, result);
      else if (isIterator(result)) await this.#walk(rpc, result);
      else if (!rpc.done) this.#answer(rpc, result);
    } catch (error) {
      this.#fail(rpc, error);
    }
    this.#active.remove(rpc);
    this.#readOn();
  }

  async #stream(rpc: ServedRpc<Response>, answers: AsyncIterable<Response>): Promise<void> {
    const iterator = rpc.iterator = answers[Symbol.asyncIterator]();
    // It was cancelled while the promise of the stream was pending.
    if (rpc.done) return rpc.leave();
    while (!rpc.done) {
      if (this.#ready.length >= this.#settings.maxQueuedMessages) {
        await new Promise<void>((resolve) => this.#waitingStreams.push(resolve));
        continue;
      }
      const { done, value } = await iterator.next();
      if (rpc.done) return;
      if (done) return this.#endStream(rpc);
      this.#response.setId(value, rpc.id);
      this.#push(value);
    }
  }

  /** Lets a stream be pulled; settles when it is complete, or left. */
  async #walk(rpc: ServedRpc<Response>, iterator: IterableIterator<Response>): Promise<void> {
    rpc.iterator = iterator;
    if (rpc.done) return rpc.leave();
    await new Promise<void>((resolve, reject) => {
      rpc.onLeft = resolve;
      this.#sources.push({ rpc, iterator, resolve, reject });
      this.#sender.wake();
    });
  }

  /** Sends items of the pulled streams, each its share of the budget. */
  #pullItems(budget: SendBudget<Response>): void {
    for (let left = this.#sources.length; left > 0 && budget.remaining > 0; left--) {
      const source = this.#sources.shift();
      if (this.#give(source, budget, Math.ceil(budget.remaining / left))) {
        this.#sources.push(source);
      }
    }
  }

  /** Sends a number of items of a stream; returns whether there may be more. */
  #give(
    { rpc, iterator, resolve, reject }: Source<Response>,
    budget: SendBudget<Response>,
    share: number,
  ): boolean {
    try {
      for (let given = 0; given < share && !rpc.done; given++) {
        const { done, value } = iterator.next();
        if (done) {
          this.#endStream(rpc);
          resolve();
          return false;
        }
        this.#response.setId(value, rpc.id);
        budget.send(value);
      }
    } catch (error) {
      reject(error);
      return false;
    }
    return !rpc.done;
  }

  /** Queues the end of a stream; until it has been sent, the stream can still be cancelled. */
  #endStream(rpc: ServedRpc<Response>): void {
    rpc.end(undefined);
    this.#pushLast(rpc, this.#response.ended(rpc.id));
  }

  #answer(rpc: ServedRpc<Response>, answer: Response | typeof refused): void {
    if (answer === refused) {
      answer = this.#response.cancelled(rpc.id);
      rpc.end(new RpcError("cancelled", "The request was refused", this.#about(rpc.id)));
    } else {
      this.#response.setId(answer, rpc.id);
      rpc.end(undefined);
    }
    this.#finish(rpc, answer);
  }

  /** The handler threw: cancels its RPC alone. */
  #fail(rpc: ServedRpc<Response>, error: unknown): void {
    // A handler whose RPC was cancelled is expected to throw.
    if (rpc.done) return;
    this.#finish(rpc, this.#response.cancelled(rpc.id));
    rpc.end(error);
    rpc.leave();
    this.#report(error, rpc.id);
  }

  #cancel(rpc: ServedRpc<Response>, reason: RpcError): void {
    this.#finish(rpc, this.#response.cancelled(rpc.id));
    rpc.abort(reason);
  }

  #finish(rpc: ServedRpc<Response>, last: Response): void {
    this.#close(rpc);
    this.#pushLast(rpc, last);
  }

  #close(rpc: ServedRpc<Response>): void {
    rpc.done = true;
    this.#active.close(rpc);
  }

  #pushLast(rpc: ServedRpc<Response>, last: Response): void {
    const waits = rpc.last !== undefined;
    rpc.last = last;
    if (!waits) this.#push(rpc);
  }

  #pullLast(rpc: ServedRpc<Response>): Response {
    this.#close(rpc);
    this.#pulled[this.#pulledCount++] = rpc;
    return rpc.last!;
  }

  #push(message: Response | ServedRpc<Response>): void {
    this.#ready.push(message);
    this.#sender.wake();
  }

  #readOn(): void {
    if (this.#goOn === undefined || this.#isFull()) return;
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn();
  }

  /** The details for an error: the RPC's id and the peer's address. */
  #about(id: RpcId): RpcErrorOptions {
    return { id, remoteAddress: this.#settings.remoteAddress };
  }

  #report(error: unknown, id: RpcId): void {
    const { onError, remoteAddress } = this.#settings;
    try {
      onError(error, remoteAddress ? { id, remoteAddress } : { id });
    } catch {
      // A failure of the callback must not affect the client.
    }
  }
}

/** A stream that is pulled. */
interface Source<Response> {
  readonly rpc: ServedRpc<Response>;
  readonly iterator: IterableIterator<Response>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function isPromise<T>(answer: RpcAnswer<T>): answer is PromiseLike<RpcResult<T>> {
  return typeof answer === "object" && answer !== null &&
    typeof (answer as PromiseLike<T>).then === "function";
}

function isStream<T>(answer: RpcAnswer<T>): answer is AsyncIterable<T> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

function isIterator<T>(answer: RpcAnswer<T>): answer is IterableIterator<T> {
  return typeof answer === "object" && answer !== null && Symbol.iterator in answer &&
    typeof (answer as IterableIterator<T>).next === "function";
}
