import {
  type CloseReason,
  type Codec,
  Connection,
  type ConnectionObserver,
  type ConnectionOptions,
  type DrainOptions,
  type Duplex,
  type Heartbeat,
  type Sender,
  type SocketDuplex,
} from "../../../mod.ts";
import {
  checkDuplex,
  checkOptions,
  checkSignal,
  delay,
  integer,
  requireOptions,
} from "../../check.ts";
import { StreamingCall, UnaryCall } from "./_call.ts";
import { Calls } from "./_calls.ts";
import { DEFAULT_MAX_BUFFERED_BYTES } from "../_flow.ts";
import { checkMessages, type RpcMessage, type RpcMessages } from "../message.ts";
import { checkRpcObserver, type RpcObserver } from "../observer.ts";
import { type Reading, readsBy, type ReadUnary } from "../reading.ts";

/** The parts of an {@linkcode RpcClient}, with its limits and timeouts. */
export interface RpcClientConfig<Request, Response> extends ConnectionOptions {
  /** How messages are framed and encoded. Do not share it between connections. */
  readonly codec: Codec<Response, Request>;
  /** Tells where the id and the control code are in a message. */
  readonly messages: RpcMessages<Request, Response>;
  /**
   * How many bytes of one stream may wait to be read, each item counting 64 more than its size
   * on the wire, and at most this limit. A server of this package sends no more ahead of the
   * reader; so a stream that nobody reads stops itself and no other RPC. With another server,
   * the connection stops reading at the limit while it has no other call in flight; otherwise
   * the stream fails with `stream-overflow`, and what has arrived can still be read. Answers to
   * other calls come behind what the streams have on their way: with many fast streams beside
   * calls, lower it, or give the streams a connection of their own. From 1 to
   * 2^32.
   *
   * @default {1048576}
   */
  readonly maxBufferedBytes?: number;
  /**
   * The default `timeout` of calls, in milliseconds. From 1 to 2,147,483,647.
   *
   * @default {undefined} no limit
   */
  readonly timeout?: number;
  /**
   * Keeps an idle connection alive with a message that the server ignores, such as
   * `messages.request.ended(0)`.
   */
  readonly heartbeat?: Heartbeat<Request>;
  /** Observes the connection, for metrics and logs. */
  readonly observer?: ConnectionObserver;
  /** Observes the calls, for traces and metrics. */
  readonly rpcObserver?: RpcObserver<NoInfer<Request>>;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the RPC when it fires; the call fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which the RPC is cancelled and the call fails with
   * `deadline-exceeded`. For a stream, it covers the time until its end. From 1 to
   * 2,147,483,647. Without it, the client's `timeout` applies.
   */
  readonly timeout?: number;
}

/** Options of one call with further requests. */
export interface StreamingCallOptions<Request> extends CallOptions {
  /**
   * The further requests of the call: a stream, which the server's handler reads with
   * `RpcContext.requests`. It is iterated once the handler begins to read, no further than the
   * server's `maxBufferedBytes` ahead of it, and left when the call is over. If it throws, the call
   * fails with what it threw, and is cancelled. The messages must have `setCode`.
   *
   * A server that is not of this package takes no such streams: the call fails with
   * `unsupported` when its answer shows that.
   *
   * @default {undefined} the request is the only one
   */
  readonly requests?: AsyncIterable<Request> | Iterable<Request>;
}

/** The responses of a streaming RPC. Leaving the loop, or disposing of it, cancels the RPC. */
export interface RpcStream<Response>
  extends AsyncIterableIterator<Response, undefined>, AsyncDisposable {
  /**
   * Fires when the stream had better be opened elsewhere: its server is going away, or its
   * connection is being drained. The stream goes on until it is complete, or until the
   * server's, or the drain's, time is up. Its reason is an {@linkcode RpcError} of code
   * `connection-closed`.
   */
  readonly goingAway: AbortSignal;
  /** Reads the next response. */
  next(): Promise<IteratorResult<Response, undefined>>;
  /** Leaves the stream; cancels the RPC if it has not ended. May be called again. */
  return(): Promise<IteratorResult<Response, undefined>>;
  /** Returns this stream. */
  [Symbol.asyncIterator](): RpcStream<Response>;
}

/**
 * Makes RPCs over one connection: any number concurrently, answered in any order.
 *
 * The client assigns the ids: a request's own id is overwritten, right before the request is
 * encoded. So the same object may be passed to several calls, and to several clients; but do
 * not change it before they have been answered, as it may not have been sent yet.
 *
 * @example
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { connect, listen } from "@protosocket/protosocket/sockets";
 * import { RpcClient, rpcFields, serveRpc } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * async function* letters(): AsyncGenerator<Message> {
 *   for (const letter of "abc") yield { text: letter };
 * }
 *
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Message>(),
 *   messages,
 *   service: () => ({ text }) => text === "letters" ? letters() : { text: `hello, ${text}` },
 * });
 *
 * await using client = new RpcClient(await connect(server.address), {
 *   codec: json<Message>(),
 *   messages,
 * });
 * console.log((await client.unary({ text: "world" }, { timeout: 1000 })).text); // hello, world
 * for await (const { text } of client.streaming({ text: "letters" })) console.log(text);
 * ```
 */
export class RpcClient<Request, Response> implements AsyncDisposable {
  static {
    const read = <Request, Response, Result>(
      client: RpcClient<Request, Response>,
      request: Request,
      options: StreamingCallOptions<Request> | undefined,
      reading: Reading<Response, Result>,
    ) => client.#unary(request, options, reading);
    readsBy(RpcClient.prototype.unary, read as unknown as ReadUnary);
  }

  readonly #connection: Connection<Response, Request>;
  readonly #calls: Calls<Request, Response>;
  readonly #timeout: number | undefined;
  readonly #maxBufferedBytes: number;
  readonly #responses: RpcMessage<Response>;

  /**
   * Starts at once, and owns the duplex. Throws a `RangeError` for an option out of range, a
   * `TypeError` for a wrong one.
   */
  constructor(duplex: Duplex, config: RpcClientConfig<Request, Response>) {
    requireOptions("config", "a codec", config);
    const { maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES, messages, rpcObserver } = config;
    checkDuplex(duplex);
    checkMessages(messages);
    checkRpcObserver(rpcObserver);
    this.#maxBufferedBytes = integer("maxBufferedBytes", maxBufferedBytes, 1, 2 ** 32);
    this.#timeout = checkTimeout(config.timeout);
    this.#responses = messages.response;
    const { remoteAddress } = duplex as SocketDuplex;
    const callsConfig = { messages, maxBufferedBytes, rpcObserver, remoteAddress };
    let calls: Calls<Request, Response>;
    this.#connection = new Connection(duplex, {
      ...config,
      reactor: (sender: Sender<Request>) => calls = new Calls(callsConfig, sender),
    });
    this.#calls = calls!;
  }

  /** Whether calls can be made: as far as is known, neither end closes or drains the connection. */
  get isAlive(): boolean {
    return this.#calls.open;
  }

  /**
   * Fires when {@linkcode isAlive} becomes `false`: the server is going away, the connection has
   * ended, or this end drains or closes it. Calls in flight may still finish; the reader of a
   * long stream can take it as the advice to open the stream elsewhere. Its reason is an
   * {@linkcode RpcError} of code `connection-closed`.
   */
  get goingAway(): AbortSignal {
    return this.#calls.goingAway;
  }

  /** How many calls are waiting for their response, or for the end of their stream. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Resolves, and never rejects, with how the connection ended. */
  get closed(): Promise<CloseReason> {
    return this.#connection.closed;
  }

  /**
   * Sends a request and returns its single response.
   *
   * Rejects with an {@linkcode RpcError}, or with the reason of `signal`. Throws a
   * `RangeError` for a `timeout` out of range. While there is no room to send, requests
   * wait; one that is cancelled while it waits is never sent.
   *
   * If the server answers with a stream, the call fails with `answer-mismatch`. A server that is
   * not of this package cannot know: the call resolves with the first item, and the rest is
   * cancelled.
   */
  unary(request: Request, options?: StreamingCallOptions<Request>): Promise<Response> {
    return this.#unary<Response>(request, options, undefined);
  }

  /**
   * Sends a request, without waiting for the first read, and returns its responses as they
   * arrive. Responses that arrived before an error are still read first. Fails as
   * {@linkcode unary} does, also if the server answers with one response. From a server that is
   * not of this package, that is a stream of which no end comes: give it a `timeout`.
   *
   * A stream that is not read stops at `maxBufferedBytes`, and keeps its place among the
   * server's `maxConcurrentRpcs`: read it to its end, or leave it.
   */
  streaming(request: Request, options?: StreamingCallOptions<Request>): RpcStream<Response> {
    const timeout = this.#checked(options);
    const call = new StreamingCall<Request, Response>(
      request,
      this.#maxBufferedBytes,
      this.#calls,
      this.#responses,
    );
    if (options?.requests) call.outflow = this.#calls.outflow(call, options.requests);
    this.#calls.start(call, options?.signal, timeout);
    return call.stream;
  }

  /**
   * Closes in order: fails the calls in flight with `connection-closed`, cancels them at the
   * server if their requests have been sent, and closes the connection. May be called again.
   */
  close(): Promise<CloseReason> {
    return this.#connection.close();
  }

  /**
   * Accepts no more calls, lets those in flight finish within `timeout`, ends the rest as
   * {@linkcode close} does, and closes the connection. May be called again.
   */
  drain(options?: DrainOptions): Promise<CloseReason> {
    return this.#connection.drain(options);
  }

  /** Ends at once: fails the calls in flight and aborts the connection. */
  abort(reason?: unknown): void {
    this.#connection.abort(reason);
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #unary<Result>(
    request: Request,
    options: StreamingCallOptions<Request> | undefined,
    reading: Reading<Response, Result> | undefined,
  ): Promise<Result> {
    const timeout = this.#checked(options);
    return new Promise((resolve) => {
      const call = new UnaryCall(request, resolve as (result: unknown) => void, reading);
      if (options?.requests) call.outflow = this.#calls.outflow(call, options.requests);
      this.#calls.start(call, options?.signal, timeout);
    });
  }

  /** Checks the options of a call before anything comes of it; returns its time-out. */
  #checked(options: CallOptions | undefined): number | undefined {
    if (options === undefined) return this.#timeout;
    checkOptions("options", options);
    checkSignal(options.signal);
    return checkTimeout(options.timeout) ?? this.#timeout;
  }
}

function checkTimeout(timeout: number | undefined): number | undefined {
  return timeout === undefined ? undefined : delay("timeout", timeout, 1);
}
