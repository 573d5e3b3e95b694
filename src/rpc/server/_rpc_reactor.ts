import type { CloseReason, Reactor, SendBudget, Sender, SocketAddress } from "../../../mod.ts";
import {
  aboutRequests,
  isForStream,
  questionedWindow,
  reservedEnd,
  reservedValue,
} from "../_flow.ts";
import { checkEmpty } from "./_empty_start.ts";
import { FurtherRequests } from "./_further.ts";
import { Intake, type IntakeEvents } from "./intake/_intake.ts";
import type { ItemStream } from "../_item_stream.ts";
import { Outgoing, type OutgoingEvents } from "./_outgoing.ts";
import { Due, type RpcOwner, ServedRpc } from "./_served_rpc.ts";
import { Streams } from "./_streams.ts";
import { connectionClosed, RpcError } from "../errors.ts";
import {
  isAsyncIterable,
  isIterator,
  isPromise,
  refused,
  type RpcHandler,
  type RpcResult,
} from "./handler.ts";
import { ControlCode, readCode, readId, type RpcId, type RpcMessage } from "../message.ts";
import { observe } from "../observer.ts";
import type { RpcSettings } from "./server_options.ts";

/**
 * The RPCs of one connection: begins them, and ends them with it. What is held back before is the
 * {@linkcode Intake}'s, what is sent the {@linkcode Outgoing}'s; both kinds of streams have theirs.
 */
export class RpcReactor<Request, Response>
  implements
    Reactor<Request, Response>,
    RpcOwner<Request, Response>,
    OutgoingEvents<Request, Response>,
    IntakeEvents<Request> {
  readonly #request: RpcMessage<Request>;
  readonly #handler: RpcHandler<Request, Response>;
  readonly #settings: RpcSettings<Request, Response>;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #sender: Sender<Response>;
  readonly #outgoing: Outgoing<Request, Response>;
  readonly #streams: Streams<Request, Response>;
  readonly #intake: Intake<Request>;
  readonly #further: FurtherRequests<Request, Response>;
  /** Whether the latest pull had no room for streams; otherwise other messages would starve them. */
  #itemsWaited = false;
  /** How many requests have been begun, or were cancelled before. */
  #taken = 0;
  /** How many of them were empty, if the connection began with those; see `_empty_start.ts`. */
  #empty = 0;
  /** Whether the client has ended, and sends no more requests. */
  #peerEnded = false;
  /** Whether new requests are refused; or ignored, if the client can be told which was the last. */
  #draining = false;
  #ignoring = false;
  /** What tells it, until there is room to send. */
  #farewell: Response | undefined;
  /** How the connection ended, once it has. */
  #closed: CloseReason | undefined;

  constructor(
    settings: RpcSettings<Request, Response>,
    handler: RpcHandler<Request, Response>,
    remoteAddress: SocketAddress | undefined,
    sender: Sender<Response>,
  ) {
    const { messages, maxBufferedBytes } = settings;
    this.#request = messages.request;
    this.#handler = handler;
    this.#settings = settings;
    this.#sender = sender;
    this.#remoteAddress = remoteAddress;
    this.#outgoing = new Outgoing(settings, remoteAddress, sender, this);
    this.#further = new FurtherRequests(messages, this.#outgoing, maxBufferedBytes);
    this.#intake = new Intake<Request>(this, messages.request);
    this.#streams = new Streams(this.#outgoing, sender, this.#intake);
  }

  get pending(): number {
    return this.#outgoing.pending;
  }

  get inFlight(): number {
    return this.#outgoing.size;
  }

  onInboundMessage(request: Request, bytes: number): void | Promise<void> {
    const id = readId(this.#request, request);
    const code = readCode(this.#request, request);
    if (code === ControlCode.normal) {
      if (bytes === 1 && this.#taken === this.#empty) this.#empty = checkEmpty(this.#empty);
      if (this.#ignoring && this.#outgoing.window !== undefined) return;
      if (!this.isFull() && this.#intake.length === 0) return this.begin(id, request);
      return this.#intake.hold(id, request, bytes);
    }
    if (code === ControlCode.end) return this.#onEnd(id, request, bytes);
    const rpc = this.#outgoing.active.get(id);
    if (rpc === undefined) return this.#intake.cancel(id);
    const about = this.#outgoing.about(id);
    this.#outgoing.cancel(rpc, new RpcError("cancelled", "The client cancelled the rpc", about));
  }

  pullOutbound(budget: SendBudget<Response>): void {
    if (this.#farewell !== undefined) {
      const farewell = this.#farewell;
      this.#farewell = undefined;
      budget.send(farewell);
    }
    const itemsFirst = this.#itemsWaited;
    if (itemsFirst) this.#streams.pull(budget);
    while (budget.remaining > 0 && (this.#outgoing.pending > 0 || this.#streams.sources > 0)) {
      this.#outgoing.pull(budget);
      this.#streams.pull(budget);
    }
    if (this.#outgoing.notes > 0) this.#outgoing.pull(budget);
    this.#itemsWaited = !itemsFirst && this.#streams.sources > 0;
    this.#intake.admit();
    this.#intake.readOn();
  }

  onEncodeError(error: unknown): void {
    this.#outgoing.onEncodeError(error);
  }

  async onInboundEnd(): Promise<void> {
    // No more requests will come, nor grants; what was not cancelled is still answered.
    this.#peerEnded = true;
    this.#outgoing.window = undefined;
    this.#streams.unparkAll();
    this.#further.endAll(({ id }) => connectionClosed(this.#outgoing.about(id)));
    await this.#settled();
  }

  async onDrain(signal: AbortSignal): Promise<void> {
    this.#sayFarewell();
    signal.addEventListener("abort", () => {
      for (const rpc of this.#outgoing.active) {
        const about = this.#outgoing.about(rpc.id);
        const reason = new RpcError("cancelled", "The server is shutting down", about);
        if (!rpc.done) this.#shutDown(rpc, reason);
      }
    });
    await this.#settled();
  }

  onClosing(): void {
    this.#sayFarewell();
    for (const rpc of this.#outgoing.active) {
      if (rpc.done) continue;
      // The end, which the client sees next, says what became of the others.
      const reason = connectionClosed(this.#outgoing.about(rpc.id));
      if (rpc.stream) this.#shutDown(rpc, reason);
      else rpc.abort(reason);
    }
    this.#intake.dropAll();
  }

  onClose(reason: CloseReason): void {
    this.#closed = reason;
    for (const rpc of this.#outgoing.active) if (!rpc.done) this.#lose(rpc, reason);
    this.#outgoing.close((id) => this.#lost(id, reason));
    this.#streams.close();
    this.#intake.dropAll();
  }

  openRequests(rpc: ServedRpc<Request, Response>): ItemStream<Request> {
    if (!rpc.done) this.#track(rpc);
    const stream = rpc.inbound = this.#further.begin(rpc);
    // What is still unread may be its items.
    this.#intake.readOn();
    return stream;
  }

  expectsStream(id: RpcId): boolean | undefined {
    return this.#outgoing.window === undefined ? undefined : isForStream(id);
  }

  isFull(): boolean {
    return this.#outgoing.size >= this.#settings.maxConcurrentRpcs;
  }

  /** How many of the RPCs in progress wait for what the client sends. */
  waiting(): "none" | "some" | "all" {
    const { waiting, size } = this.#outgoing;
    return waiting === 0 ? "none" : waiting < size ? "some" : "all";
  }

  begin(id: RpcId, request: Request): void {
    const rpc = this.#take(id, request);
    if (this.#draining) return this.#outgoing.answer(rpc, refused);
    try {
      const answer = this.#handler(request, rpc);
      if (isPromise(answer)) return void this.#run(rpc, answer);
      this.#settle(rpc, answer);
    } catch (error) {
      this.#outgoing.fail(rpc, error);
    }
    // It is active if it has asked for further requests.
    if (rpc.place >= 0 && rpc.stream === undefined) this.#outgoing.return(rpc);
  }

  /** Answers a request that was cancelled before it was begun; it counts as taken. */
  drop(id: RpcId): void {
    if (!this.#draining) this.#taken++;
    this.#outgoing.last(new ServedRpc<Request, Response>(id, this), Due.cancel);
  }

  /** Refuses a request that has waited in vain. */
  refuse(id: RpcId, request: Request): void {
    const rpc = this.#take(id, request);
    rpc.shed = true;
    this.#outgoing.answer(rpc, refused);
  }

  onDone(rpc: ServedRpc<Request, Response>, reason: RpcError | undefined): void {
    const { stream } = rpc;
    if (stream?.parked) this.#streams.unpark(rpc, stream);
    this.#further.end(rpc, reason);
    if (stream?.isAsync === false) this.#outgoing.return(rpc);
  }

  onRoom(): void {
    this.#intake.admit();
  }

  /** An End: of a client of this package, or without a meaning. See `_flow.ts`. */
  #onEnd(id: RpcId, request: Request, bytes: number): void {
    const window = reservedValue(id);
    if (window !== undefined) {
      this.#outgoing.window ??= Math.max(1, window);
      return;
    }
    const further = aboutRequests(id);
    if (further !== undefined) return this.#further.onFurther(further, request, bytes);
    if (questionedWindow(id) !== undefined) return this.#further.onQuestion();
    this.#streams.onGrant(id);
  }

  /** Makes the RPC of the next request, and tells the observer of it. */
  #take(id: RpcId, request: Request): ServedRpc<Request, Response> {
    const rpc = new ServedRpc<Request, Response>(id, this);
    const { rpcObserver } = this.#settings;
    if (rpcObserver) {
      rpc.onEnd = observe(rpcObserver, { id, request, remoteAddress: this.#remoteAddress });
    }
    if (!this.#draining) this.#taken++;
    return rpc;
  }

  /** Keeps an RPC that goes on after its handler has returned, so that it can be cancelled. */
  #track(rpc: ServedRpc<Request, Response>): void {
    if (rpc.place >= 0) return;
    this.#outgoing.active.add(rpc);
    // Its own handler may have ended the connection.
    if (this.#closed) this.#lose(rpc, this.#closed);
  }

  /** Waits for what an asynchronous handler returns. */
  async #run(
    rpc: ServedRpc<Request, Response>,
    answer: PromiseLike<RpcResult<Response>>,
  ): Promise<void> {
    this.#track(rpc);
    try {
      this.#settle(rpc, await answer);
    } catch (error) {
      this.#outgoing.fail(rpc, error);
    }
    if (rpc.stream === undefined) this.#outgoing.return(rpc);
  }

  /** Sends what a handler has returned. */
  #settle(rpc: ServedRpc<Request, Response>, answer: RpcResult<Response>): void {
    const isAsync = isAsyncIterable(answer);
    if (!isAsync && !isIterator(answer)) {
      if (rpc.done) return;
      if (answer !== refused && this.expectsStream(rpc.id) === true) {
        return this.#outgoing.mismatch(rpc, "one response", "a stream");
      }
      return this.#outgoing.answer(rpc, answer);
    }
    const iterator = isAsync ? answer[Symbol.asyncIterator]() : answer;
    this.#track(rpc);
    rpc.stream = { iterator, isAsync, running: false, ahead: 0, parked: false, resume: undefined };
    if (!rpc.done && this.expectsStream(rpc.id) === false) {
      this.#outgoing.mismatch(rpc, "a stream", "one response");
    }
    if (rpc.done) {
      // It was cancelled while the promise of the stream was pending, for example.
      rpc.leave();
      this.#outgoing.return(rpc);
    } else {
      this.#streams.begin(rpc, rpc.stream);
    }
  }

  async #settled(): Promise<void> {
    const { active } = this.#outgoing;
    for (;;) {
      await active.settled();
      if (this.#intake.length > 0) await this.#intake.admitted();
      // Those that were held may have been begun just now.
      else if (active.idle) return;
    }
  }

  #shutDown(rpc: ServedRpc<Request, Response>, reason: RpcError): void {
    rpc.why = "shutdown";
    this.#outgoing.cancel(rpc, reason);
  }

  /** No request is begun from now on: tells the client which was the last. */
  #sayFarewell(): void {
    if (this.#draining) return;
    this.#draining = true;
    // Who has no more requests need not know.
    if (this.#peerEnded) return;
    this.#farewell = reservedEnd(this.#settings.messages.response, this.#taken);
    this.#ignoring = this.#farewell !== undefined;
    if (this.#ignoring && this.#outgoing.window !== undefined) this.#intake.dropAll();
    this.#sender.wake();
  }

  /** The connection has ended before the RPC. */
  #lose(rpc: ServedRpc<Request, Response>, reason: CloseReason): void {
    rpc.abort(this.#lost(rpc.id, reason));
  }

  #lost(id: RpcId, reason: CloseReason): RpcError {
    const cause = reason.kind === "error" ? reason.error : undefined;
    return connectionClosed({ ...this.#outgoing.about(id), cause });
  }
}
