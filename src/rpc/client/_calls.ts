import type { CloseReason, Reactor, SendBudget, Sender, SocketAddress } from "../../../mod.ts";
import { Deadlines } from "../../waits/deadlines.ts";
import { onAbort } from "../../waits/on_abort.ts";
import { WaitingLine } from "../../waits/waiting_line.ts";
import { type Call, StreamingCall, type UnaryCall } from "./_call.ts";
import { CallTable } from "./_call_table.ts";
import { Notices } from "./_notices.ts";
import { type Outflow, type OutflowOwner, Outflows } from "./_outflow.ts";
import { GOING_AWAY, neighbour, notBegunId, reservedValue } from "../_flow.ts";
import { connectionClosed, encodeFailed, RpcError, type RpcErrorOptions } from "../errors.ts";
import { ControlCode, readCode, readId, type RpcId, type RpcMessages } from "../message.ts";
import { failureOf, observe, type RpcObserver } from "../observer.ts";

/** What {@linkcode Calls} needs to know. */
export interface CallsConfig<Request, Response> {
  readonly messages: RpcMessages<Request, Response>;
  readonly maxBufferedBytes: number;
  readonly rpcObserver: RpcObserver<Request> | undefined;
  readonly remoteAddress: SocketAddress | undefined;
}

/** The calls in flight of one connection; also its reactor. */
export class Calls<Request, Response> implements Reactor<Response, Request>, OutflowOwner<Request> {
  /** Whether calls can be made. */
  open = true;
  readonly #config: CallsConfig<Request, Response>;
  readonly #sender: Sender<Request>;
  readonly #calls = new CallTable<Call<Request, Response>>();
  /** Calls whose requests wait for room to send. */
  readonly #unsent = new WaitingLine<Call<Request, Response>>();
  readonly #notices: Notices<Request>;
  /** The further requests of calls that have some. */
  readonly #outflows: Outflows<Request>;
  #deadlines: Deadlines<Call<Request, Response>> | undefined;
  /** How many requests have been sent. */
  #sent = 0;
  /** The error of the message that was just sent, if it could not be encoded. */
  #unencodable: { readonly error: unknown } | undefined;
  /** The full stream for whose reader the connection waits, as its server does not. */
  #stopped: StreamingCall<Request, Response> | undefined;
  /** Called when no call is in flight any more. */
  #onEmpty: (() => void) | undefined;
  /** Why calls can no longer be made, and what caused it. */
  #reason: RpcError | undefined;
  #cause: unknown;
  #goingAway: AbortController | undefined;
  #serverGoesAway = false;

  constructor(config: CallsConfig<Request, Response>, sender: Sender<Request>) {
    this.#config = config;
    this.#sender = sender;
    const { messages: { request }, maxBufferedBytes } = config;
    this.#notices = new Notices(request, maxBufferedBytes, sender);
    this.#outflows = new Outflows(request, sender, this);
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Fires when calls can no longer be made. */
  get goingAway(): AbortSignal {
    // Created on first use: most clients never read it.
    this.#goingAway ??= new AbortController();
    if (this.#reason) this.#goingAway.abort(this.#reason);
    return this.#goingAway.signal;
  }

  get pending(): number {
    return this.#unsent.length + this.#notices.pending + this.#outflows.pending;
  }

  /** Makes the further requests of a call that is about to start. */
  outflow(
    call: Call<Request, Response>,
    requests: AsyncIterable<Request> | Iterable<Request>,
  ): Outflow<Request> {
    return this.#outflows.begin(call, requests);
  }

  start(
    call: Call<Request, Response>,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ): void {
    if (signal?.aborted) return call.fail(signal.reason);
    const { rpcObserver } = this.#config;
    if (!this.open) {
      const error = this.#lost(call, this.#reason?.message);
      if (rpcObserver) observe(rpcObserver, { id: 0, request: call.request! })(error);
      return call.fail(error);
    }
    // This call needs the connection, which must not wait for a reader any longer.
    const stopped = this.#stopped;
    // Its reader may have left, or caught up, a moment ago.
    if (stopped && !stopped.done && stopped.stream.stops) this.#overflow(stopped);
    this.#calls.add(call, call instanceof StreamingCall);
    this.#unsent.push(call);
    if (signal) call.release = onAbort(signal, () => this.#stop(call, signal.reason));
    call.timeout = timeout;
    if (timeout !== undefined) {
      this.#deadlines ??= new Deadlines((call) => this.#onDue(call), { afterPoll: true });
      call.deadline = this.#deadlines.after(timeout, call);
    }
    if (rpcObserver) {
      const onEnd = observe(rpcObserver, { id: call.id, request: call.request! });
      // It may end the call as it is told of it.
      if (call.done) onEnd(call.error);
      else call.onEnd = onEnd;
    }
    this.#sender.wake();
  }

  onInboundMessage(response: Response, bytes: number): void | Promise<void> {
    const { response: messages } = this.#config.messages;
    const id = readId(messages, response);
    if (typeof id !== "number") return;
    const code = readCode(messages, response);
    const call = this.#calls.get(id);
    if (call === undefined) return this.#onStranger(id, code);
    if (call.outflow !== undefined && this.#outflows.window === undefined) {
      return this.#unsupported(call);
    }
    if (code === ControlCode.normal) {
      if (!(call instanceof StreamingCall)) {
        return this.#answer(call as UnaryCall<Request, Response>, response);
      }
      if (!call.stream.push(response, bytes)) {
        // It is full, and its server does not wait for its reader.
        return this.#calls.size > 1 ? this.#overflow(call) : this.#waitFor(call);
      }
    } else if (code !== ControlCode.end) {
      const cause = messages.reason?.(response);
      const about = cause === undefined ? this.#about(id) : { ...this.#about(id), cause };
      this.#fail(call, new RpcError("cancelled", "The server cancelled the rpc", about));
    } else if (call instanceof StreamingCall) {
      this.#forget(call, undefined);
      call.stream.end();
    } else {
      this.#mismatch(call);
    }
  }

  pullOutbound(budget: SendBudget<Request>): void {
    this.#notices.pull(budget);
    const callsWait = this.#unsent.length > 0;
    if (callsWait) this.#notices.announce(budget);
    this.#outflows.pull(budget, callsWait);
    while (budget.remaining > 0 && this.#unsent.length > 0) {
      this.#send(this.#unsent.shift()!, budget);
    }
    if (callsWait) this.#outflows.pull(budget, false);
  }

  onEncodeError(error: unknown): void {
    this.#unencodable = { error };
    this.#outflows.onEncodeError(error);
  }

  onInboundEnd(): void {
    // No more responses will come.
    this.#failAll(undefined);
  }

  async onDrain(signal: AbortSignal): Promise<void> {
    this.#close("The client is draining");
    this.#adviseStreams();
    signal.addEventListener("abort", () => this.onClosing());
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#onEmpty = resolve);
  }

  /** Fails all calls and cancels them at the server. */
  onClosing(): void {
    for (const call of this.#calls.values()) this.#cancel(call);
    this.#failAll(undefined);
  }

  onClose(reason: CloseReason): void {
    this.#failAll(reason.kind === "error" ? reason.error : undefined);
  }

  /** Ends a call whose reader has left; only the observer learns of it. */
  leave(call: StreamingCall<Request, Response>): void {
    this.#giveUp(call, new RpcError("cancelled", "The stream was left", this.#about(call.id)));
  }

  /** Lets the server send more of a stream. */
  grant(call: StreamingCall<Request, Response>): void {
    this.#notices.grant(call);
  }

  outflowOf(id: number): Outflow<Request> | undefined {
    return this.#calls.get(id)?.outflow;
  }

  onOutflowFailed(call: Call<Request, Response>, error: unknown): void {
    if (call.done) return;
    this.#giveUp(call, error);
    call.fail(error);
  }

  #answer(call: UnaryCall<Request, Response>, response: Response): void {
    this.#forget(call, undefined);
    // Should it be the first item of a stream, that can only be seen by the next one.
    this.#calls.remember(call.id);
    call.succeed(response);
  }

  /** A message for no call in flight: for one that was given up, or about the connection. */
  #onStranger(id: number, code: number): void {
    if (code === ControlCode.normal) {
      if (!this.#calls.recall(id)) return;
      // A unary call was answered by a stream, which would otherwise go on for nobody.
      return this.#notices.cancel(id);
    }
    if (code === ControlCode.end) {
      if (this.#outflows.onEnd(id)) return;
      const unbegun = notBegunId(id);
      if (unbegun !== undefined) return this.#onNotBegun(unbegun);
      const taken = reservedValue(id);
      return taken === undefined ? undefined : this.#onGoingAway(taken);
    }
    const call = this.#calls.get(neighbour(id));
    if (call) this.#mismatch(call);
  }

  /** The server has more to do than it takes. */
  #onNotBegun(id: number): void {
    const call = this.#calls.get(id);
    if (!call || call.done) return;
    const message = "The server is overloaded, and has not begun the rpc";
    this.#fail(call, new RpcError("unavailable", message, { ...this.#about(id), sent: false }));
  }

  /** The server goes away, and has taken so many of our requests. */
  #onGoingAway(taken: number): void {
    // Once, as all calls are looked at.
    if (this.#serverGoesAway) return;
    this.#serverGoesAway = true;
    this.#close(GOING_AWAY);
    for (const call of this.#calls.values()) {
      if (call.done || call.sentAs > 0 && call.sentAs <= taken) continue;
      call.sentAs = 0;
      this.#fail(call, this.#lost(call, "The server is going away, and has not begun the rpc"));
    }
    this.#adviseStreams();
  }

  /** The streams in flight may finish here, and had better be opened elsewhere if they are long. */
  #adviseStreams(): void {
    for (const call of this.#calls.values()) {
      if (call instanceof StreamingCall) call.stream.goAway(this.#reason);
    }
  }

  async #waitFor(call: StreamingCall<Request, Response>): Promise<void> {
    this.#stopped = call;
    await call.stream.drained();
    if (this.#stopped === call) this.#stopped = undefined;
  }

  #overflow(call: StreamingCall<Request, Response>): void {
    this.#stopped = undefined;
    this.#cancel(call);
    const message = `The reader of the stream is more than maxBufferedBytes, ` +
      `${this.#config.maxBufferedBytes} bytes, behind, and the server does not wait for it`;
    this.#fail(call, new RpcError("stream-overflow", message, this.#about(call.id)));
  }

  /** The server has answered before it has said that it takes streams of requests. */
  #unsupported(call: Call<Request, Response>): void {
    this.#cancel(call);
    const message = "The server does not take streams of requests";
    this.#fail(call, new RpcError("unsupported", message, this.#about(call.id)));
  }

  #mismatch(call: Call<Request, Response>): void {
    const message = call instanceof StreamingCall
      ? "The server answered with one response, where a stream was expected"
      : "The server answered with a stream, where one response was expected";
    this.#fail(call, new RpcError("answer-mismatch", message, this.#about(call.id)));
  }

  #send(call: Call<Request, Response>, budget: SendBudget<Request>): void {
    const request = call.request!;
    call.request = undefined;
    this.#unencodable = undefined;
    try {
      // Only now, as the same object may have been passed to several calls.
      this.#config.messages.request.setId(request, call.id);
      budget.send(request);
    } catch (error) {
      this.onEncodeError(error);
    }
    // Set by onEncodeError.
    const failed = this.#unencodable as { readonly error: unknown } | undefined;
    if (failed) {
      const about = { ...this.#about(call.id), cause: failed.error };
      if (!call.done) this.#fail(call, encodeFailed("The request", about));
      return;
    }
    call.sentAs = ++this.#sent;
    // Something that was called while it was encoded has ended it.
    if (call.done) this.#cancel(call);
  }

  /** The details for an error: the RPC's id and the peer's address. */
  #about(id?: RpcId): RpcErrorOptions {
    return { id, remoteAddress: this.#config.remoteAddress };
  }

  #lost(call: Call<Request, Response>, message?: string): RpcError {
    const about = { ...this.#about(call.id || undefined), cause: this.#cause };
    return connectionClosed({ ...about, sent: call.sentAs > 0 }, message);
  }

  /** Accepts no more calls. */
  #close(message?: string): void {
    if (!this.open) return;
    this.open = false;
    this.#reason = connectionClosed({ ...this.#about(), cause: this.#cause, sent: false }, message);
    this.#goingAway?.abort(this.#reason);
  }

  #failAll(cause: unknown): void {
    this.#cause ??= cause;
    this.#close();
    for (const call of this.#calls.values()) {
      // The observer of one call may have ended another.
      if (!call.done) this.#fail(call, this.#lost(call));
    }
  }

  /** Ends a call for a reason of the caller's, and cancels it at the server. */
  #giveUp(call: Call<Request, Response>, reason: unknown): void {
    if (call.done) return;
    this.#cancel(call);
    this.#forget(call, failureOf(reason));
  }

  /** Cancels a call at the server, if its request was sent. */
  #cancel(call: Call<Request, Response>): void {
    if (call.sentAs > 0) this.#notices.cancel(call.id);
  }

  #fail(call: Call<Request, Response>, error: unknown): void {
    this.#forget(call, error);
    call.fail(error);
  }

  /** Removes a call that has ended; `error` is for the observer. */
  #forget(call: Call<Request, Response>, error: unknown): void {
    call.done = true;
    call.error = error;
    this.#calls.delete(call);
    if (call.request !== undefined) {
      call.request = undefined;
      this.#unsent.leave(call);
    }
    call.outflow?.leave();
    call.release?.();
    if (call.deadline !== undefined) this.#deadlines!.clear(call.deadline);
    call.onEnd?.(error);
    if (this.#calls.size === 0) this.#onEmpty?.();
  }

  #onDue(call: Call<Request, Response>): void {
    const message = `No answer within ${call.timeout} ms`;
    this.#stop(call, new RpcError("deadline-exceeded", message, this.#about(call.id)));
  }

  /** Its caller waits for it no longer. */
  #stop(call: Call<Request, Response>, reason: unknown): void {
    this.#giveUp(call, reason);
    call.giveUp(reason);
  }
}
