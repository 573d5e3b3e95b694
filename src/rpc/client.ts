import {
  type CloseReason,
  type Codec,
  Connection,
  type ConnectionObserver,
  type ConnectionOptions,
  type DrainOptions,
  type Duplex,
  type Heartbeat,
  type Reactor,
  type SendBudget,
  type Sender,
} from "../../mod.ts";
import { checkOption, MAX_DELAY } from "../options.ts";
import { Fifo } from "../fifo.ts";
import { ResponseStream } from "./_response_stream.ts";
import { connectionClosed, RpcError } from "./errors.ts";
import { ControlCode, plainId, type RpcId, type RpcMessages } from "./message.ts";
import { observe, type OnRpcEnd, type RpcObserver } from "./observer.ts";

/** The default of {@linkcode RpcClientConfig.maxBufferedItems}: 1,024. */
export const DEFAULT_MAX_BUFFERED_ITEMS = 1024;

/** What an {@linkcode RpcClient} is made of, with its bounds. */
export interface RpcClientConfig<Request, Response> extends ConnectionOptions {
  /** How messages look on the wire; of this connection alone. */
  readonly codec: Codec<Response, Request>;
  /** Where ids and control codes are in the messages. */
  readonly messages: RpcMessages<Request, Response>;
  /**
   * How many items of one stream may wait to be read. At the bound the whole
   * connection stops reading until half of them have been read: the answers of its
   * other rpcs wait too. So do not wait for another answer of the same connection
   * while you leave a stream unread.
   *
   * @default {1024}
   */
  readonly maxBufferedItems?: number;
  /**
   * The `timeout` of calls that have none of their own, in milliseconds.
   *
   * @default {undefined} without end
   */
  readonly timeout?: number;
  /**
   * Keeps a quiet connection alive with a message that the server ignores, such as
   * `messages.request.ended(0)`.
   */
  readonly heartbeat?: Heartbeat<Request>;
  /** Watches the connection. */
  readonly observer?: ConnectionObserver;
  /** Watches the calls. */
  readonly rpcObserver?: RpcObserver<Request>;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the rpc; the call fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds until the rpc is cancelled and the call fails with
   * `deadline-exceeded`: for a stream, until its end. From 1 to 2,147,483,647.
   */
  readonly timeout?: number;
}

/** The answers of a streaming rpc. Leaving the loop, or disposing of it, cancels the rpc. */
export interface RpcStream<Response>
  extends AsyncIterableIterator<Response, undefined>, AsyncDisposable {
  /** Reads the next answer. */
  next(): Promise<IteratorResult<Response, undefined>>;
  /** Leaves the stream; sends Cancel if it has not ended. May be called again. */
  return(): Promise<IteratorResult<Response, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): RpcStream<Response>;
}

/**
 * Calls rpcs over one connection, any number at a time, answered in any order.
 *
 * It gives out the ids: a request's own id is overwritten, and a request belongs to
 * the client from the call on.
 *
 * @example
 * ```ts ignore
 * import { RpcClient } from "@protosocket/protosocket/rpc";
 * import { connect } from "@protosocket/protosocket/deno";
 *
 * await using client = new RpcClient(await connect({ port: 9000 }), {
 *   codec: protobuf(ResponseSchema, RequestSchema),
 *   messages: echoMessages,
 * });
 * const answer = await client.unary(request, { timeout: 1000 });
 * for await (const item of client.streaming(request)) console.log(item);
 * ```
 */
export class RpcClient<Request, Response> implements AsyncDisposable {
  readonly #connection: Connection<Response, Request, Outgoing<Request>>;
  readonly #calls: Calls<Request, Response>;
  readonly #timeout: number | undefined;
  readonly #maxBufferedItems: number;

  /** Starts at once. Throws a `RangeError` for a bad option. */
  constructor(duplex: Duplex, config: RpcClientConfig<Request, Response>) {
    const { maxBufferedItems = DEFAULT_MAX_BUFFERED_ITEMS } = config;
    this.#maxBufferedItems = checkOption("maxBufferedItems", maxBufferedItems, 1, 2 ** 31);
    this.#timeout = checkTimeout(config.timeout);
    const { heartbeat, rpcObserver } = config;
    let calls: Calls<Request, Response>;
    this.#connection = new Connection(duplex, {
      ...config,
      heartbeat: heartbeat && {
        interval: heartbeat.interval,
        message: () => ({ id: 0, request: heartbeat.message(), done: false }),
      },
      reactor: (sender: Sender<Outgoing<Request>>) =>
        calls = new Calls(config.messages, sender, rpcObserver),
    });
    this.#calls = calls!;
  }

  /** Whether calls can be made: neither end has begun to close the connection. */
  get isAlive(): boolean {
    return this.#calls.open;
  }

  /** How many calls wait for their answer, or for the end of their stream. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Resolves, and never rejects, once the connection has ended, with how. */
  get closed(): Promise<CloseReason> {
    return this.#connection.closed;
  }

  /**
   * Sends a request and gives its one answer.
   *
   * Rejects with an {@linkcode RpcError}, or with the reason of `signal`. Throws a
   * `RangeError` for a bad `timeout`. If the connection's queue is full, the request
   * waits for room first; one that is given up before then is never sent.
   */
  unary(request: Request, options?: CallOptions): Promise<Response> {
    const timeout = this.#timeoutOf(options);
    return new Promise((resolve, reject) => {
      const call = new UnaryCall<Request, Response>(request, resolve, reject);
      this.#calls.start(call, options?.signal, timeout);
    });
  }

  /**
   * Sends a request, at once, and gives its answers as they come. After an error the
   * answers that came before it are still read first.
   *
   * A stream that is not read stops the connection at `maxBufferedItems`: read it,
   * or leave it.
   */
  streaming(request: Request, options?: CallOptions): RpcStream<Response> {
    const timeout = this.#timeoutOf(options);
    const call: StreamingCall<Request, Response> = new StreamingCall(
      request,
      this.#maxBufferedItems,
      () => this.#calls.giveUp(call, new RpcError("cancelled", "The stream was left", call)),
    );
    this.#calls.start(call, options?.signal, timeout);
    return call.stream;
  }

  /**
   * Ends in order: fails the calls in flight with `connection-closed`, cancels them
   * at the server, and closes the connection. May be called again.
   */
  close(): Promise<CloseReason> {
    this.#calls.closeAll();
    return this.#connection.close();
  }

  /**
   * Takes no more calls, waits for those in flight until the `timeout`, gives up the
   * rest like {@linkcode close}, and closes the connection. May be called again.
   */
  drain(options?: DrainOptions): Promise<CloseReason> {
    return this.#connection.drain(options);
  }

  /** Ends now: fails the calls in flight and breaks the connection off. */
  abort(reason?: unknown): void {
    this.#connection.abort(reason);
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #timeoutOf(options: CallOptions | undefined): number | undefined {
    return options?.timeout === undefined ? this.#timeout : checkTimeout(options.timeout);
  }
}

function checkTimeout(timeout: number | undefined): number | undefined {
  return timeout === undefined ? undefined : checkOption("timeout", timeout, 1, MAX_DELAY);
}

/** What waits in the connection's queue: a call's request, or a heartbeat. */
interface Outgoing<Request> {
  readonly id: RpcId;
  /** What is sent, until it leaves for the encoder. */
  request: Request | undefined;
  /** Whether it was given up meanwhile. */
  readonly done: boolean;
}

/** A call in flight. */
abstract class Call<Request, Response> implements Outgoing<Request> {
  id: RpcId = 0;
  request: Request | undefined;
  /** Whether it has its end: nobody waits for an answer. */
  done = false;
  /** Takes the request out from among those that wait for room in the connection's queue. */
  waiting: AbortController | undefined;
  /** Undoes what watches for the call's end: a timer, a listener. */
  release: (() => void) | undefined;
  /** Hears of the end, if somebody watches. */
  onEnd: OnRpcEnd | undefined;

  constructor(request: Request) {
    this.request = request;
  }

  /** Takes an answer; returns whether it was the last, or a promise to wait for. */
  abstract take(response: Response): boolean | Promise<void>;
  abstract fail(error: unknown): void;
}

class UnaryCall<Request, Response> extends Call<Request, Response> {
  readonly #resolve: (response: Response) => void;
  readonly fail: (error: unknown) => void;

  constructor(
    request: Request,
    resolve: (response: Response) => void,
    reject: (error: unknown) => void,
  ) {
    super(request);
    this.#resolve = resolve;
    this.fail = reject;
  }

  take(response: Response): boolean {
    this.#resolve(response);
    return true;
  }
}

class StreamingCall<Request, Response> extends Call<Request, Response> {
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

/** The calls in flight of one connection, and its reactor. */
class Calls<Request, Response> implements Reactor<Response, Request, Outgoing<Request>> {
  open = true;
  readonly #messages: RpcMessages<Request, Response>;
  readonly #sender: Sender<Outgoing<Request>>;
  readonly #observer: RpcObserver<Request> | undefined;
  readonly #calls = new Map<RpcId, Call<Request, Response>>();
  /** Rpcs to cancel at the server: asked for when there is room to send. */
  readonly #cancels = new Fifo<RpcId>();
  #lastId = 0;
  /** The server has ended its side: what is still queued is not asked any more. */
  #peerEnded = false;
  /** Tells that no call is in flight any more. */
  #onEmpty: (() => void) | undefined;

  constructor(
    messages: RpcMessages<Request, Response>,
    sender: Sender<Outgoing<Request>>,
    observer: RpcObserver<Request> | undefined,
  ) {
    this.#messages = messages;
    this.#sender = sender;
    this.#observer = observer;
  }

  get size(): number {
    return this.#calls.size;
  }

  start(
    call: Call<Request, Response>,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ): void {
    if (!this.open) return call.fail(connectionClosed({ sent: false }));
    if (signal?.aborted) return call.fail(signal.reason);
    const id = call.id = ++this.#lastId;
    this.#messages.request.setId(call.request!, id);
    this.#calls.set(id, call);
    if (this.#observer) call.onEnd = observe(this.#observer, { id, request: call.request! });
    if (signal || timeout !== undefined) this.#watch(call, signal, timeout);
    if (!this.#sender.trySend(call)) this.#sendLater(call);
  }

  onOutboundMessage(call: Outgoing<Request>): Request {
    const request = call.request!;
    call.request = undefined;
    if (call.done) {
      // Its caller has been told that it never left. A Cancel of what is unknown is ignored.
      if (this.#peerEnded) return this.#messages.request.cancelled(call.id);
      // It was given up in the queue, where it could not be taken out.
      this.#sendCancel(call.id);
    }
    return request;
  }

  onInboundMessage(response: Response): void | Promise<void> {
    const id = plainId(this.#messages.response.id(response));
    const call = this.#calls.get(id);
    // One that was given up, or never was.
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
      this.#fail(call, new RpcError("cancelled", `The server ${what}`, { id }));
    }
  }

  pullOutbound(budget: SendBudget<Request>): void {
    while (budget.remaining > 0 && this.#cancels.length > 0) {
      budget.send(this.#messages.request.cancelled(this.#cancels.shift()));
    }
  }

  onEncodeError(cause: unknown, request: Request): void {
    const id = plainId(this.#messages.request.id(request));
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#fail(call, new RpcError("encode-failed", "The request cannot be encoded", { id, cause }));
  }

  onInboundEnd(): void {
    // Nobody will answer any more.
    this.#peerEnded = true;
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
    // What is queued is still sent.
    this.#failAll(undefined, true);
  }

  /** Forgets a call that nobody waits for, for a reason of the caller's, and cancels it at the server. */
  giveUp(call: Call<Request, Response>, reason: unknown): void {
    if (call.done) return;
    this.#cancel(call);
    this.#forget(call, reason);
  }

  /** `queuedLeave`: requests that are in the connection's queue still leave it. */
  #failAll(cause: unknown, queuedLeave = false): void {
    this.open = false;
    for (const call of this.#calls.values()) {
      const sent = queuedLeave || call.request === undefined;
      this.#fail(call, connectionClosed({ id: call.id, cause, sent }));
    }
  }

  #cancel(call: Call<Request, Response>): void {
    call.waiting?.abort();
    // A Cancel must not overtake its request: that of one that is queued follows it.
    if (call.request === undefined) this.#sendCancel(call.id);
  }

  #sendCancel(id: RpcId): void {
    this.#cancels.push(id);
    this.#sender.wake();
  }

  #fail(call: Call<Request, Response>, error: unknown): void {
    this.#forget(call, error);
    call.fail(error);
  }

  /** A call has come to its end; `error` is for the observer. */
  #forget(call: Call<Request, Response>, error: unknown): void {
    call.done = true;
    this.#calls.delete(call.id);
    call.release?.();
    call.onEnd?.(error);
    if (this.#calls.size === 0) this.#onEmpty?.();
  }

  #watch(
    call: Call<Request, Response>,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ): void {
    const giveUp = (error: unknown) => {
      this.giveUp(call, error);
      call.fail(error);
    };
    const onAbort = () => giveUp(signal!.reason);
    const timer = timeout === undefined ? undefined : setTimeout(() => {
      const { id } = call;
      giveUp(new RpcError("deadline-exceeded", `No answer within ${timeout} ms`, { id }));
    }, timeout);
    signal?.addEventListener("abort", onAbort);
    call.release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** The queue is full: waits for room, unless the call is given up before. */
  #sendLater(call: Call<Request, Response>): void {
    call.waiting = new AbortController();
    // It rejects when the call is given up, or when the connection has ended, which
    // fails all calls.
    this.#sender.send(call, call.waiting).catch(() => {});
  }
}
