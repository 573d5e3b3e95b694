import type { CloseReason, Reactor, SendBudget, Sender, SocketAddress } from "../../mod.ts";
import { Fifo } from "../fifo.ts";
import { type Waiting, WaitingLine } from "../waiting_line.ts";
import { rejected } from "./_awaited.ts";
import { watch } from "./_bounded.ts";
import { CallTable, type Numbered } from "./_call_table.ts";
import { ResponseStream } from "./_response_stream.ts";
import { connectionClosed, RpcError, type RpcErrorOptions } from "./errors.ts";
import { ControlCode, plainId, type RpcId, type RpcMessages } from "./message.ts";
import { observe, type OnRpcEnd, type RpcObserver } from "./observer.ts";

/** A call in flight. */
abstract class Call<Request, Response> implements Numbered, Waiting {
  id = 0;
  /** The request, until it goes to the encoder or the call is given up. */
  request: Request | undefined;
  /** Whether the call was given up before its request was sent. */
  left = false;
  /** Whether the call is over: nothing waits for a response. */
  done = false;
  /** Removes the call's timer and abort listener. */
  release: (() => void) | undefined;
  /** Reports the end to the observer, if there is one. */
  onEnd: OnRpcEnd | undefined;

  constructor(request: Request) {
    this.request = request;
  }

  /** Takes a response; returns whether it was the last, or a promise to wait for. */
  abstract take(response: Response): boolean | Promise<void>;
  abstract fail(error: unknown): void;
}

export class UnaryCall<Request, Response> extends Call<Request, Response> {
  readonly #resolve: (response: Response | Promise<never>) => void;

  constructor(request: Request, resolve: (response: Response | Promise<never>) => void) {
    super(request);
    this.#resolve = resolve;
  }

  take(response: Response): boolean {
    this.#resolve(response);
    return true;
  }

  fail(error: unknown): void {
    this.#resolve(rejected(error));
  }
}

export class StreamingCall<Request, Response> extends Call<Request, Response> {
  readonly stream: ResponseStream<Response>;

  constructor(request: Request, maxBufferedItems: number, onLeave: () => void) {
    super(request);
    this.stream = new ResponseStream(maxBufferedItems, onLeave);
  }

  take(response: Response): boolean | Promise<void> {
    return this.stream.push(response) ?? false;
  }

  fail(error: unknown): void {
    this.stream.fail(error);
  }
}

/** The calls in flight of one connection; also its reactor. */
export class Calls<Request, Response> implements Reactor<Response, Request> {
  open = true;
  readonly #messages: RpcMessages<Request, Response>;
  readonly #sender: Sender<Request>;
  readonly #observer: RpcObserver<Request> | undefined;
  readonly #remoteAddress: SocketAddress | undefined;
  readonly #calls = new CallTable<Call<Request, Response>>();
  /** Calls whose requests wait for room to send. */
  readonly #unsent = new WaitingLine<Call<Request, Response>>();
  /** RPCs to cancel at the server, once there is room to send. */
  readonly #cancels = new Fifo<RpcId>();
  /** Called when no call is in flight any more. */
  #onEmpty: (() => void) | undefined;

  constructor(
    messages: RpcMessages<Request, Response>,
    sender: Sender<Request>,
    observer: RpcObserver<Request> | undefined,
    remoteAddress: SocketAddress | undefined,
  ) {
    this.#messages = messages;
    this.#sender = sender;
    this.#observer = observer;
    this.#remoteAddress = remoteAddress;
  }

  get size(): number {
    return this.#calls.size;
  }

  start(
    call: Call<Request, Response>,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ): void {
    if (!this.open) return call.fail(connectionClosed({ ...this.#about(), sent: false }));
    if (signal?.aborted) return call.fail(signal.reason);
    const request = call.request!;
    this.#calls.add(call);
    try {
      this.#messages.request.setId(request, call.id);
    } catch (error) {
      this.#calls.delete(call);
      throw error;
    }
    this.#unsent.push(call);
    if (signal || timeout !== undefined) this.#watch(call, signal, timeout);
    // The last: an observer may end the call.
    if (this.#observer) call.onEnd = observe(this.#observer, { id: call.id, request });
    this.#sender.wake();
  }

  onInboundMessage(response: Response): void | Promise<void> {
    const id = plainId(this.#messages.response.id(response));
    const call = typeof id === "number" ? this.#calls.get(id) : undefined;
    // A response to a call that was given up, or to none at all.
    if (call === undefined) return;
    const code = this.#messages.response.code(response);
    if (code === ControlCode.normal) {
      const last = call.take(response);
      if (typeof last === "object") return last;
      if (last) this.#forget(call, undefined);
    } else if (code === ControlCode.end && call instanceof StreamingCall) {
      this.#forget(call, undefined);
      call.stream.end();
    } else {
      const what = code === ControlCode.end
        ? "ended the rpc without an answer"
        : "cancelled the rpc";
      this.#fail(call, new RpcError("cancelled", `The server ${what}`, this.#about(id)));
    }
  }

  pullOutbound(budget: SendBudget<Request>): void {
    // Cancels are for requests that were sent, so they need not wait behind unsent ones.
    while (budget.remaining > 0 && this.#cancels.length > 0) {
      budget.send(this.#messages.request.cancelled(this.#cancels.shift()));
    }
    while (budget.remaining > 0 && this.#unsent.length > 0) {
      const call = this.#unsent.shift()!;
      budget.send(call.request!);
      call.request = undefined;
    }
  }

  onEncodeError(cause: unknown, request: Request): void {
    const id = plainId(this.#messages.request.id(request));
    const call = typeof id === "number" ? this.#calls.get(id) : undefined;
    if (call === undefined) return;
    const options = { ...this.#about(id), cause };
    this.#fail(call, new RpcError("encode-failed", "The request cannot be encoded", options));
  }

  onInboundEnd(): void {
    // No more responses will come.
    this.#failAll(undefined);
  }

  async onDrain(signal: AbortSignal): Promise<void> {
    this.open = false;
    signal.addEventListener("abort", () => this.closeAll());
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#onEmpty = resolve);
  }

  onClose(reason: CloseReason): void {
    this.#failAll(reason.kind === "error" ? reason.error : undefined);
  }

  /** Fails all calls and cancels them at the server. */
  closeAll(): void {
    for (const call of this.#calls.values()) this.#cancel(call);
    this.#failAll(undefined);
  }

  /** Ends a call for a reason of the caller's, and cancels it at the server. */
  giveUp(call: Call<Request, Response>, reason: unknown): void {
    if (call.done) return;
    this.#cancel(call);
    this.#forget(call, reason);
  }

  /** Ends a call whose reader has left; only the observer learns of it. */
  leave(call: Call<Request, Response>): void {
    this.giveUp(call, new RpcError("cancelled", "The stream was left", this.#about(call.id)));
  }

  /** The details for an error: the RPC's id and the peer's address. */
  #about(id?: RpcId): RpcErrorOptions {
    return { id, remoteAddress: this.#remoteAddress };
  }

  #failAll(cause: unknown): void {
    this.open = false;
    for (const call of this.#calls.values()) {
      // The observer of one call may have ended another.
      if (call.done) continue;
      const sent = call.request === undefined;
      this.#fail(call, connectionClosed({ ...this.#about(call.id), cause, sent }));
    }
  }

  /** Cancels a call at the server, if its request was sent. */
  #cancel(call: Call<Request, Response>): void {
    if (call.request !== undefined) return;
    this.#cancels.push(call.id);
    this.#sender.wake();
  }

  #fail(call: Call<Request, Response>, error: unknown): void {
    this.#forget(call, error);
    call.fail(error);
  }

  /** Removes a call that has ended; `error` is for the observer. */
  #forget(call: Call<Request, Response>, error: unknown): void {
    call.done = true;
    this.#calls.delete(call);
    if (call.request !== undefined) {
      call.request = undefined;
      this.#unsent.leave(call);
    }
    call.release?.();
    call.onEnd?.(error);
    if (this.#calls.size === 0) this.#onEmpty?.();
  }

  #watch(
    call: Call<Request, Response>,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ): void {
    call.release = watch([signal], timeout, (fired) => {
      const message = `No answer within ${timeout} ms`;
      const error = fired
        ? fired.reason
        : new RpcError("deadline-exceeded", message, this.#about(call.id));
      this.giveUp(call, error);
      call.fail(error);
    });
  }
}
