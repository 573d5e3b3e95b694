import {
  type CloseReason,
  DEFAULT_MAX_QUEUED_MESSAGES,
  type Reactor,
  type SendBudget,
  type Sender,
  type SocketAddress,
} from "../../mod.ts";
import { checkOption } from "../options.ts";
import { connectionClosed, RpcError } from "./errors.ts";
import { ControlCode, plainId, type RpcId, type RpcMessage, type RpcMessages } from "./message.ts";

/** The default of {@linkcode RpcServerOptions.maxConcurrentRpcs}: 1,024. */
export const DEFAULT_MAX_CONCURRENT_RPCS = 1024;

/** What a handler answers to refuse a request: the client is told Cancel. */
export const refused: unique symbol = Symbol("refused");

/** What a handler may answer. */
export type RpcAnswer<Response> =
  | Response
  | typeof refused
  | PromiseLike<Response | typeof refused>
  | AsyncIterable<Response>;

/**
 * Answers a request: with a response or a promise of one (unary), with an async
 * iterable of responses (streaming), or with {@linkcode refused}.
 *
 * Responses are stamped with the request's id, and belong to the connection from
 * then on. An iterable is asked for more only while there is room to send. If a
 * handler throws, its rpc is cancelled and `onError` hears of it; the connection
 * and its other rpcs go on.
 *
 * A response must not itself be a promise or an async iterable.
 */
export type RpcHandler<Request, Response> = (
  request: Request,
  context: RpcContext,
) => RpcAnswer<Response>;

/** What a handler is told of its rpc. */
export interface RpcContext {
  /** The rpc's id on its connection. */
  readonly id: RpcId;
  /**
   * Fires, with an {@linkcode RpcError}, when the client cancels the rpc or the
   * connection is lost. What the handler answers afterwards is dropped.
   */
  readonly signal: AbortSignal;
}

/** Options of {@linkcode rpcReactor}. */
export interface RpcServerOptions {
  /**
   * How many rpcs of one connection may be worked on, or wait with their answer for
   * room to send. At the bound nothing more is read, Cancels included, until one
   * has finished. A cancelled rpc counts until its handler has returned.
   *
   * @default {1024}
   */
  readonly maxConcurrentRpcs?: number;
  /**
   * How many responses of one connection may wait for room to send before its
   * streams are no longer asked for more.
   *
   * @default {256}
   */
  readonly maxQueuedMessages?: number;
  /**
   * Hears of what a handler threw, and of a response that could not be encoded. What
   * it throws itself is ignored.
   *
   * @default {console.error}
   */
  readonly onError?: (error: unknown, rpc: FailedRpc) => void;
}

/** Which rpc an error is about. */
export interface FailedRpc {
  /** The rpc's id on its connection. */
  readonly id: RpcId;
  /** The client's address, where it is known. */
  readonly remoteAddress?: SocketAddress;
}

/**
 * Makes the reactor that serves rpcs on one connection. {@linkcode serveRpc} does it
 * for each connection of a listener; this is for a Duplex from elsewhere.
 *
 * @example
 * ```ts ignore
 * const connection = new Connection(duplex, {
 *   codec: protobuf(RequestSchema, ResponseSchema),
 *   reactor: rpcReactor(echoMessages, (request) => create(ResponseSchema, { text: request.text })),
 * });
 * ```
 */
export function rpcReactor<Request, Response>(
  messages: RpcMessages<Request, Response>,
  handler: RpcHandler<Request, Response>,
  options: RpcServerOptions & Pick<FailedRpc, "remoteAddress"> = {},
): (sender: Sender<Response>) => Reactor<Request, Response> {
  const {
    maxConcurrentRpcs = DEFAULT_MAX_CONCURRENT_RPCS,
    maxQueuedMessages = DEFAULT_MAX_QUEUED_MESSAGES,
    onError = (error, rpc) => console.error("protosocket: an rpc failed", rpc, error),
    remoteAddress,
  } = options;
  const settings: Settings = {
    maxConcurrentRpcs: checkOption("maxConcurrentRpcs", maxConcurrentRpcs, 1, 2 ** 31),
    maxQueuedMessages: checkOption("maxQueuedMessages", maxQueuedMessages, 1, 2 ** 31),
    onError,
    remoteAddress,
  };
  return (sender) => new RpcReactor(messages, handler, settings, sender);
}

type Settings =
  & Required<RpcServerOptions>
  & { readonly remoteAddress: SocketAddress | undefined };

/** An rpc that is being worked on. */
class Rpc implements RpcContext {
  readonly id: RpcId;
  /** Its last message has been decided: nothing more is answered. */
  done = false;
  /** The answers of a streaming rpc. */
  iterator: AsyncIterator<unknown> | undefined;
  #controller: AbortController | undefined;
  #reason: RpcError | undefined;

  constructor(id: RpcId) {
    this.id = id;
  }

  // Made when it is asked for: most handlers never look, and a controller costs more
  // than the rest of an rpc.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: RpcError): void {
    this.done = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    leave(this.iterator);
  }
}

class RpcReactor<Request, Response> implements Reactor<Request, Response> {
  readonly #request: RpcMessage<Request>;
  readonly #response: RpcMessage<Response>;
  readonly #handler: RpcHandler<Request, Response>;
  readonly #settings: Settings;
  readonly #sender: Sender<Response>;
  /** Rpcs that can be cancelled. */
  readonly #running = new Map<RpcId, Rpc>();
  /** Handlers that have not returned, those of cancelled rpcs among them. */
  #active = 0;
  /** Answers that wait for room to send. */
  readonly #ready: Response[] = [];
  #readyHead = 0;
  /** Streams that wait until fewer answers do. */
  #waitingStreams: (() => void)[] = [];
  /** Lets the connection read again, when it was stopped at the bound. */
  #goOn: (() => void) | undefined;
  /** Tells that the last rpc has finished, once the peer has ended its side. */
  #onIdle: (() => void) | undefined;

  constructor(
    messages: RpcMessages<Request, Response>,
    handler: RpcHandler<Request, Response>,
    settings: Settings,
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
    const id = plainId(this.#request.id(request));
    if (code === ControlCode.normal) {
      this.#open(id, request);
      if (this.#isFull) return new Promise((resolve) => this.#goOn = resolve);
    } else if (code !== ControlCode.end) {
      const rpc = this.#running.get(id);
      if (rpc) this.#cancel(rpc, new RpcError("cancelled", "The client cancelled the rpc", { id }));
    }
  }

  pullOutbound(budget: SendBudget<Response>): void {
    while (budget.remaining > 0 && this.#readyHead < this.#ready.length) {
      budget.send(this.#ready[this.#readyHead]!);
      this.#ready[this.#readyHead++] = undefined as Response;
    }
    if (this.#readyHead === this.#ready.length) this.#ready.length = this.#readyHead = 0;
    if (this.#waitingStreams.length > 0) {
      for (const goOn of this.#waitingStreams.splice(0)) goOn();
    }
    this.#readOn();
  }

  onEncodeError(error: unknown, response: Response): void {
    const id = plainId(this.#response.id(response));
    this.#report(error, id);
    if (this.#response.code(response) !== ControlCode.normal) return;
    const rpc = this.#running.get(id);
    if (rpc) this.#cancel(rpc, new RpcError("encode-failed", "A response cannot be encoded", { id }));
    else this.#answer(this.#response.cancelled(id));
  }

  onInboundEnd(): void | Promise<void> {
    // The client has no more requests; those it made are still answered.
    if (this.#active > 0) return new Promise((resolve) => this.#onIdle = resolve);
  }

  onClose(reason: CloseReason): void {
    const cause = reason.kind === "error" ? reason.error : undefined;
    for (const rpc of this.#running.values()) rpc.abort(connectionClosed(rpc.id, cause));
    this.#running.clear();
    this.#ready.length = this.#readyHead = 0;
    for (const goOn of this.#waitingStreams.splice(0)) goOn();
    this.#goOn?.();
  }

  get #readyCount(): number {
    return this.#ready.length - this.#readyHead;
  }

  get #isFull(): boolean {
    return this.#active + this.#readyCount >= this.#settings.maxConcurrentRpcs;
  }

  #open(id: RpcId, request: Request): void {
    const rpc = new Rpc(id);
    try {
      const answer = this.#handler(request, rpc);
      if (isPromise(answer)) this.#run(rpc, this.#awaitAnswer(rpc, answer));
      else if (isStream(answer)) this.#run(rpc, this.#stream(rpc, answer));
      else this.#answer(this.#stamp(id, answer));
    } catch (error) {
      this.#fail(rpc, error);
    }
  }

  /** Keeps an rpc that is not answered yet, until `work`, which never rejects, is done. */
  #run(rpc: Rpc, work: Promise<void>): void {
    this.#active++;
    if (!rpc.done) {
      // A client that uses an id twice at a time has two rpcs, and cancels the later one.
      this.#running.set(rpc.id, rpc);
    }
    work.then(() => this.#onReturned());
  }

  async #awaitAnswer(rpc: Rpc, answer: PromiseLike<Response | typeof refused>): Promise<void> {
    try {
      const response = await answer;
      if (rpc.done) return;
      this.#answer(this.#stamp(rpc.id, response));
      this.#close(rpc);
    } catch (error) {
      this.#fail(rpc, error);
    }
  }

  async #stream(rpc: Rpc, answers: AsyncIterable<Response>): Promise<void> {
    try {
      const iterator = rpc.iterator = answers[Symbol.asyncIterator]();
      while (!rpc.done) {
        if (this.#readyCount >= this.#settings.maxQueuedMessages) {
          await new Promise<void>((resolve) => this.#waitingStreams.push(resolve));
          continue;
        }
        const { done, value } = await iterator.next();
        if (rpc.done) return;
        if (done) {
          this.#answer(this.#response.ended(rpc.id));
          return this.#close(rpc);
        }
        this.#answer(this.#stamp(rpc.id, value));
      }
    } catch (error) {
      this.#fail(rpc, error);
    }
  }

  #stamp(id: RpcId, response: Response | typeof refused): Response {
    if (response === refused) return this.#response.cancelled(id);
    this.#response.setId(response, id);
    return response;
  }

  #answer(response: Response): void {
    this.#ready.push(response);
    this.#sender.wake();
  }

  /** The handler threw: cancels its rpc and no other. */
  #fail(rpc: Rpc, error: unknown): void {
    // One that was cancelled is expected to throw.
    if (rpc.done) return;
    this.#close(rpc);
    leave(rpc.iterator);
    this.#answer(this.#response.cancelled(rpc.id));
    this.#report(error, rpc.id);
  }

  #cancel(rpc: Rpc, reason: RpcError): void {
    this.#close(rpc);
    rpc.abort(reason);
    this.#answer(this.#response.cancelled(rpc.id));
  }

  #close(rpc: Rpc): void {
    rpc.done = true;
    if (this.#running.get(rpc.id) === rpc) this.#running.delete(rpc.id);
  }

  #onReturned(): void {
    this.#active--;
    this.#readOn();
    if (this.#active === 0) this.#onIdle?.();
  }

  #readOn(): void {
    if (this.#goOn === undefined || this.#isFull) return;
    this.#goOn();
    this.#goOn = undefined;
  }

  #report(error: unknown, id: RpcId): void {
    const { onError, remoteAddress } = this.#settings;
    try {
      onError(error, remoteAddress ? { id, remoteAddress } : { id });
    } catch {
      // An observer's own failure is not the client's.
    }
  }
}

function isPromise<T>(answer: RpcAnswer<T>): answer is PromiseLike<T | typeof refused> {
  return typeof answer === "object" && answer !== null &&
    typeof (answer as PromiseLike<T>).then === "function";
}

function isStream<T>(answer: RpcAnswer<T>): answer is AsyncIterable<T> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

/** Tells an iterator that nobody reads on; what it makes of that is its own matter. */
async function leave(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // It was being left in any case.
  }
}
