import type { CloseReason, Reactor, SendBudget, Sender } from "../../../mod.ts";
import { Fifo } from "../../waits/fifo.ts";
import { checkFunction } from "../../check.ts";
import { tell } from "../../user_callback.ts";
import { ActiveRpcs } from "./_active_rpcs.ts";
import { isAsyncIterable, isIterator, isPromise } from "./_answers.ts";
import { costOf, grantOf, isForStream, neighbour, reservedEnd, reservedValue } from "../_flow.ts";
import { HeldRequests } from "./_held_requests.ts";
import { Due, ServedRpc, type ServedStream } from "./_served_rpc.ts";
import { connectionClosed, encodeFailed, RpcError, type RpcErrorOptions } from "../errors.ts";
import { ownMethods } from "./_own_methods.ts";
import { refused, type RpcHandler, type RpcResult } from "./handler.ts";
import {
  checkMessages,
  ControlCode,
  readCode,
  readId,
  type RpcId,
  type RpcMessage,
  type RpcMessages,
} from "../message.ts";
import { failureOf, observe } from "../observer.ts";
import {
  checkRpcServerOptions,
  type RpcReactorOptions,
  type RpcServerOptions,
} from "./server_options.ts";

/**
 * Makes a reactor that serves RPCs on one connection. {@linkcode serveRpc} does this for
 * each connection of a listener; use this for a Duplex from elsewhere. Throws a
 * `RangeError` for an option out of range. It can be spread into a reactor that does something
 * of its own first: `(sender) => ({ ...make(sender), onInboundMessage })`.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { RpcClient, rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * const [here, there] = duplexPair();
 * await using connection = new Connection(there, {
 *   codec: json<Message>(),
 *   reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` })),
 * });
 * await using client = new RpcClient(here, { codec: json<Message>(), messages });
 * console.log((await client.unary({ text: "world" })).text); // hello, world
 * ```
 */
export function rpcReactor<Request, Response>(
  messages: RpcMessages<Request, Response>,
  handler: RpcHandler<Request, Response>,
  options: RpcReactorOptions<Request> = {},
): (sender: Sender<Response>) => Reactor<Request, Response> {
  checkMessages(messages);
  const make = makerOfReactors(messages, handler, options);
  return (sender) => ownMethods(make(sender));
}

/** The same for reactors that nobody spreads, which are smaller. */
export function makerOfReactors<Request, Response>(
  messages: RpcMessages<Request, Response>,
  handler: RpcHandler<Request, Response>,
  options: RpcReactorOptions<Request>,
): (sender: Sender<Response>) => RpcReactor<Request, Response> {
  checkFunction("handler", handler, ": service: () => (request) => answer");
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
  /** RPCs that have something to send: each an item at most, or its last message. */
  readonly #ready = new Fifo<ServedRpc<Response>>();
  /** How many RPCs that are not active have not sent their last message. */
  #unsent = 0;
  /** RPCs with synchronous streams, whose items are pulled when there is room to send. */
  readonly #sources = new Fifo<ServedRpc<Response>>();
  /** Whether the latest pull had no room for those; otherwise other messages would starve them. */
  #itemsWaited = false;
  /** Requests beyond `maxConcurrentRpcs`, and what lets the connection read on. */
  readonly #held = new HeldRequests<Request>();
  #admitting = false;
  #readOn: (() => void) | undefined;
  #onAdmitted: (() => void) | undefined;
  /** How much of a stream may be ahead of its reader; see `_flow.ts`. */
  #window: number | undefined;
  /** How many streams wait for their readers, and whether they must not, as nobody listens. */
  #parked = 0;
  #deaf = false;
  /** How many requests have been begun, or were cancelled before. */
  #taken = 0;
  /** Whether new requests are refused, or ignored, as the client has been told. */
  #draining = false;
  #peerEnded = false;
  #ignoring = false;
  #farewell: Response | undefined;
  /** The error of the message that was just sent, if it could not be encoded. */
  #unencodable: { readonly error: unknown } | undefined;
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

  get pending(): number {
    return this.#ready.length;
  }

  get inFlight(): number {
    return this.#active.size + this.#unsent;
  }

  onInboundMessage(request: Request, bytes: number): void | Promise<void> {
    const id = readId(this.#request, request);
    const code = readCode(this.#request, request);
    if (code === ControlCode.normal) {
      if (this.#ignoring && this.#window !== undefined) return;
      if (!this.#isFull() && this.#held.length === 0) return this.#open(id, request);
      return this.#hold(id, request, bytes);
    }
    if (code === ControlCode.end) return this.#onEnd(id);
    const rpc = this.#active.get(id);
    if (rpc === undefined) return this.#held.cancel(id);
    this.#cancel(rpc, new RpcError("cancelled", "The client cancelled the rpc", this.#about(id)));
  }

  pullOutbound(budget: SendBudget<Response>): void {
    if (this.#farewell !== undefined) {
      const farewell = this.#farewell;
      this.#farewell = undefined;
      budget.send(farewell);
    }
    const itemsFirst = this.#itemsWaited;
    if (itemsFirst) this.#pullItems(budget);
    while (budget.remaining > 0 && (this.#ready.length > 0 || this.#sources.length > 0)) {
      while (budget.remaining > 0 && this.#ready.length > 0) {
        this.#emit(this.#ready.shift(), budget);
      }
      this.#pullItems(budget);
    }
    this.#itemsWaited = !itemsFirst && this.#sources.length > 0;
    this.#admit();
  }

  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
  }

  async onInboundEnd(): Promise<void> {
    // No more requests will come, nor grants; what was not cancelled is still answered.
    this.#peerEnded = true;
    this.#window = undefined;
    this.#unparkAll();
    await this.#settled();
  }

  async onDrain(signal: AbortSignal): Promise<void> {
    this.#sayFarewell();
    signal.addEventListener("abort", () => {
      for (const rpc of this.#active) {
        const about = this.#about(rpc.id);
        const reason = new RpcError("cancelled", "The server is shutting down", about);
        if (!rpc.done) this.#cancel(rpc, reason);
      }
    });
    await this.#settled();
  }

  onClosing(): void {
    this.#sayFarewell();
    for (const rpc of this.#active) {
      if (rpc.done) continue;
      // The end, which the client sees next, says what became of the others.
      const reason = connectionClosed(this.#about(rpc.id));
      if (rpc.stream) this.#cancel(rpc, reason);
      else rpc.abort(reason);
    }
    this.#dropHeld();
  }

  onClose(reason: CloseReason): void {
    this.#closed = reason;
    for (const rpc of this.#active) if (!rpc.done) this.#lose(rpc, reason);
    while (this.#ready.length > 0) {
      const rpc = this.#ready.shift();
      rpc.end(this.#lost(rpc.id, reason));
    }
    this.#sources.clear();
    this.#dropHeld();
  }

  /** The connection has ended before the RPC. */
  #lose(rpc: ServedRpc<Response>, reason: CloseReason): void {
    rpc.abort(this.#lost(rpc.id, reason));
  }

  #lost(id: RpcId, reason: CloseReason): RpcError {
    const cause = reason.kind === "error" ? reason.error : undefined;
    return connectionClosed({ ...this.#about(id), cause });
  }

  #isFull(): boolean {
    return this.#active.size + this.#unsent >= this.#settings.maxConcurrentRpcs;
  }

  #hold(id: RpcId, request: Request, bytes: number): void | Promise<void> {
    this.#held.push(id, request, bytes);
    if (!this.#held.full) return;
    return new Promise((resolve) => {
      this.#readOn = resolve;
      this.#unstick();
    });
  }

  /** Begins requests that are held, as many as may be, in a turn of its own. */
  #admit(): void {
    if (this.#admitting || this.#held.length === 0 || this.#isFull()) return;
    this.#admitting = true;
    queueMicrotask(() => {
      this.#admitting = false;
      while (this.#held.length > 0 && !this.#isFull()) {
        const { id, request, cancelled } = this.#held.shift();
        if (cancelled) this.#drop(id);
        else this.#open(id, request);
      }
      if (!this.#held.full) this.#resume();
      this.#onAdmitted?.();
    });
  }

  /** Answers a request that was cancelled before it was begun; it counts as taken. */
  #drop(id: RpcId): void {
    if (!this.#draining) this.#taken++;
    this.#last(new ServedRpc<Response>(id), Due.cancel);
  }

  #dropHeld(): void {
    while (this.#held.length > 0) this.#held.shift();
    this.#resume();
    this.#onAdmitted?.();
  }

  #resume(): void {
    const readOn = this.#readOn;
    this.#readOn = undefined;
    this.#deaf = false;
    readOn?.();
  }

  async #settled(): Promise<void> {
    for (;;) {
      await this.#active.settled();
      if (this.#held.length > 0) await new Promise<void>((resolve) => this.#onAdmitted = resolve);
      // Those that were held may have been begun just now.
      else if (this.#active.idle) return;
    }
  }

  /** No request is begun from now on: tells the client which was the last. */
  #sayFarewell(): void {
    if (this.#draining) return;
    this.#draining = true;
    // Who has no more requests need not know.
    if (this.#peerEnded) return;
    this.#farewell = reservedEnd(this.#response, this.#taken);
    this.#ignoring = this.#farewell !== undefined;
    if (this.#ignoring && this.#window !== undefined) this.#dropHeld();
    this.#sender.wake();
  }

  #open(id: RpcId, request: Request): void {
    const rpc = new ServedRpc<Response>(id);
    const { rpcObserver, remoteAddress } = this.#settings;
    if (rpcObserver) rpc.onEnd = observe(rpcObserver, { id, request, remoteAddress });
    if (this.#draining) return this.#answer(rpc, refused);
    this.#taken++;
    try {
      const answer = this.#handler(request, rpc);
      if (isPromise(answer)) this.#run(rpc, answer);
      else this.#settle(rpc, answer);
    } catch (error) {
      this.#fail(rpc, error);
    }
  }

  /** Waits for what an asynchronous handler returns. */
  async #run(rpc: ServedRpc<Response>, answer: PromiseLike<RpcResult<Response>>): Promise<void> {
    this.#track(rpc);
    try {
      this.#settle(rpc, await answer);
    } catch (error) {
      this.#fail(rpc, error);
    }
    if (rpc.stream === undefined) this.#return(rpc);
  }

  #track(rpc: ServedRpc<Response>): void {
    if (rpc.place >= 0) return;
    this.#active.add(rpc);
    // Its own handler may have ended the connection.
    if (this.#closed) this.#lose(rpc, this.#closed);
  }

  /** Sends what a handler has returned. */
  #settle(rpc: ServedRpc<Response>, answer: RpcResult<Response>): void {
    const isAsync = isAsyncIterable(answer);
    if (!isAsync && !isIterator(answer)) {
      if (rpc.done) return;
      if (this.#window !== undefined && isForStream(rpc.id) === true && answer !== refused) {
        return this.#mismatch(rpc, "one response", "a stream");
      }
      return this.#answer(rpc, answer);
    }
    const iterator = isAsync ? answer[Symbol.asyncIterator]() : answer;
    this.#track(rpc);
    rpc.stream = { iterator, isAsync, running: false, ahead: 0, parked: false, resume: undefined };
    if (!rpc.done && this.#window !== undefined && isForStream(rpc.id) === false) {
      this.#mismatch(rpc, "a stream", "one response");
    }
    if (rpc.done) {
      // It was cancelled while the promise of the stream was pending, for example.
      rpc.leave();
      this.#return(rpc);
    } else if (isAsync) {
      this.#stream(rpc, rpc.stream, iterator as AsyncIterator<Response>);
    } else {
      this.#sources.push(rpc);
      this.#sender.wake();
    }
  }

  /** Sends the items of an asynchronous stream, one after the other. */
  async #stream(
    rpc: ServedRpc<Response>,
    stream: ServedStream<Response>,
    iterator: AsyncIterator<Response>,
  ): Promise<void> {
    try {
      while (!rpc.done) {
        if (!this.#mayGoOn(stream)) {
          await this.#park(stream);
          continue;
        }
        const { done, value } = await iterator.next();
        if (rpc.done) break;
        if (done) {
          this.#last(rpc, Due.end);
          break;
        }
        rpc.response = value;
        this.#due(rpc, Due.item);
        this.#sender.pull();
        if (rpc.due !== Due.item) continue;
        this.#sender.wake();
        await new Promise<void>((resolve) => stream.resume = resolve);
      }
    } catch (error) {
      this.#fail(rpc, error);
    }
    this.#return(rpc);
  }

  /** Whether the client wants another item of that stream now. */
  #mayGoOn({ ahead }: ServedStream<Response>): boolean {
    return this.#window === undefined || ahead < this.#window || this.#deaf;
  }

  /** Lets a stream wait for its reader. */
  #park(stream: ServedStream<Response>): Promise<void> {
    stream.parked = true;
    this.#parked++;
    return new Promise<void>((resolve) => {
      stream.resume = resolve;
      this.#unstick();
    });
  }

  #unpark(rpc: ServedRpc<Response>, stream: ServedStream<Response>): void {
    if (!stream.parked) return;
    stream.parked = false;
    this.#parked--;
    if (rpc.done || stream.resume) return wakeUp(stream);
    this.#sources.push(rpc);
    this.#sender.wake();
  }

  #unparkAll(): void {
    if (this.#parked === 0) return;
    for (const rpc of this.#active) if (rpc.stream) this.#unpark(rpc, rpc.stream);
  }

  /**
   * If the connection has stopped reading, and all RPCs are streams that wait for their
   * readers, only what is still unread can help: it reads on. When too much has been read, the
   * streams go on as if their readers kept up.
   */
  #unstick(): void {
    if (this.#readOn === undefined || this.#deaf) return;
    if (this.#parked < this.#active.size + this.#unsent) return;
    if (!this.#held.overfull) return this.#resume();
    this.#deaf = true;
    this.#unparkAll();
  }

  #onEnd(id: RpcId): void {
    const window = reservedValue(id);
    if (window !== undefined) {
      this.#window ??= Math.max(1, window);
      return;
    }
    const rpc = this.#active.get(id);
    if (rpc?.stream === undefined || this.#window === undefined) return;
    rpc.stream.ahead = Math.max(0, rpc.stream.ahead - grantOf(this.#window));
    if (this.#mayGoOn(rpc.stream)) this.#unpark(rpc, rpc.stream);
  }

  /** Sends items of the pulled streams, each its share of the budget. */
  #pullItems(budget: SendBudget<Response>): void {
    for (let left = this.#sources.length; left > 0 && budget.remaining > 0; left--) {
      const rpc = this.#sources.shift();
      const share = Math.ceil(budget.remaining / left);
      if (!rpc.done && this.#give(rpc, rpc.stream!, budget, share)) this.#sources.push(rpc);
    }
  }

  /** Sends a number of items of a stream; returns whether there may be more. */
  #give(
    rpc: ServedRpc<Response>,
    stream: ServedStream<Response>,
    budget: SendBudget<Response>,
    share: number,
  ): boolean {
    for (let given = 0; given < share && budget.remaining > 0; given++) {
      if (!this.#mayGoOn(stream)) {
        stream.parked = true;
        this.#parked++;
        this.#unstick();
        return false;
      }
      let result: IteratorResult<Response> | undefined;
      stream.running = true;
      try {
        result = (stream.iterator as Iterator<Response>).next();
        if (!rpc.done && !result.done) rpc.response = result.value;
      } catch (error) {
        this.#fail(rpc, error);
      }
      stream.running = false;
      if (rpc.done) {
        // Perhaps it has ended its own connection.
        rpc.leave();
        return false;
      }
      if (result!.done) {
        this.#last(rpc, Due.end);
        return false;
      }
      rpc.due = Due.item;
      this.#emit(rpc, budget);
      if (rpc.done) return false;
    }
    return true;
  }

  /** Sends what an RPC has to send. */
  #emit(rpc: ServedRpc<Response>, budget: SendBudget<Response>): void {
    const { due, response } = rpc;
    rpc.due = Due.nothing;
    rpc.response = undefined;
    if (due === Due.item || due === Due.answer) {
      const bytes = this.#encode(rpc, response!, budget);
      if (bytes === undefined) return;
      if (due === Due.item) {
        const stream = rpc.stream!;
        if (this.#window !== undefined) stream.ahead += costOf(bytes, this.#window);
        return wakeUp(stream);
      }
    } else if (due === Due.end) {
      budget.send(this.#response.ended(rpc.id));
    } else {
      const id = due === Due.cancel ? rpc.id : neighbour(rpc.id as number);
      budget.send(this.#response.cancelled(id));
    }
    rpc.sent = true;
    if (rpc.place < 0) this.#unsent--;
    rpc.end(undefined);
  }

  /** Encodes a response; returns its size, or `undefined` if that failed: then it is cancelled. */
  #encode(
    rpc: ServedRpc<Response>,
    response: Response,
    budget: SendBudget<Response>,
  ): number | undefined {
    this.#unencodable = undefined;
    let bytes = 0;
    try {
      // Only now, as the same object may be the answer to several requests.
      this.#response.setId(response, rpc.id);
      bytes = budget.send(response);
    } catch (error) {
      this.onEncodeError(error);
    }
    // Set by onEncodeError.
    const failed = this.#unencodable as { readonly error: unknown } | undefined;
    if (failed === undefined) return bytes;
    const reason = encodeFailed("A response", { ...this.#about(rpc.id), cause: failed.error });
    if (rpc.done) {
      this.#due(rpc, Due.cancel);
      rpc.abort(reason);
    } else {
      this.#cancel(rpc, reason);
    }
    this.#report(failed.error, rpc.id);
    return undefined;
  }

  #answer(rpc: ServedRpc<Response>, answer: Response | typeof refused): void {
    if (answer === refused) {
      this.#last(rpc, Due.cancel);
      rpc.end(new RpcError("cancelled", "The request was refused", this.#about(rpc.id)));
    } else {
      rpc.response = answer;
      this.#last(rpc, Due.answer);
    }
  }

  /** The client expects an answer of the other kind. */
  #mismatch(rpc: ServedRpc<Response>, answer: string, expected: string): void {
    const message = `The handler answered with ${answer}, where the client expects ${expected}`;
    const error = new RpcError("answer-mismatch", message, this.#about(rpc.id));
    this.#last(rpc, Due.mismatch);
    rpc.abort(error);
    this.#report(error, rpc.id);
  }

  /** The handler threw: cancels its RPC alone. */
  #fail(rpc: ServedRpc<Response>, thrown: unknown): void {
    // A handler whose RPC was cancelled is expected to throw.
    if (rpc.done) return;
    const error = failureOf(thrown);
    this.#last(rpc, Due.cancel);
    rpc.end(error);
    rpc.leave();
    this.#report(error, rpc.id);
  }

  #cancel(rpc: ServedRpc<Response>, reason: RpcError): void {
    this.#last(rpc, Due.cancel);
    rpc.abort(reason);
  }

  /** Decides an RPC's last message; nothing else is sent of it. */
  #last(rpc: ServedRpc<Response>, due: number): void {
    rpc.done = true;
    const { stream } = rpc;
    if (rpc.place < 0) {
      this.#unsent++;
    } else {
      this.#active.close(rpc);
      if (stream?.parked) this.#unpark(rpc, stream);
      if (stream?.isAsync === false) this.#return(rpc);
    }
    if (due !== Due.answer) rpc.response = undefined;
    this.#due(rpc, due);
    this.#sender.wake();
  }

  #due(rpc: ServedRpc<Response>, due: number): void {
    const waits = rpc.due !== Due.nothing;
    rpc.due = due;
    if (!waits) this.#ready.push(rpc);
  }

  /** Nothing of an RPC is running any more. */
  #return(rpc: ServedRpc<Response>): void {
    if (rpc.place < 0) return;
    this.#active.remove(rpc);
    if (!rpc.sent) this.#unsent++;
    this.#admit();
  }

  /** The details for an error: the RPC's id and the peer's address. */
  #about(id: RpcId): RpcErrorOptions {
    return { id, remoteAddress: this.#settings.remoteAddress };
  }

  #report(error: unknown, id: RpcId): void {
    const { onError, remoteAddress } = this.#settings;
    tell(onError, error, remoteAddress ? { id, remoteAddress } : { id });
  }
}

/** Lets an asynchronous stream go on, if it waits. */
function wakeUp(stream: ServedStream<unknown>): void {
  const { resume } = stream;
  stream.resume = undefined;
  resume?.();
}
