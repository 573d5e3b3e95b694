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
} from "../../mod.ts";
import { checkOption, MAX_DELAY } from "../options.ts";
import { Calls, StreamingCall, UnaryCall } from "./_calls.ts";
import type { RpcMessages } from "./message.ts";
import type { RpcObserver } from "./observer.ts";

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
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { connect, listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { RpcClient, serveRpc } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * async function* letters(): AsyncGenerator<Plain<string>> {
 *   for (const letter of "abc") yield plain(letter);
 * }
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Plain<string>>(),
 *   messages,
 *   service: () => ({ body }) => body === "letters" ? letters() : plain(`hello, ${body}`),
 * });
 *
 * await using client = new RpcClient(await connect(server.address), {
 *   codec: json<Plain<string>>(),
 *   messages,
 * });
 * console.log((await client.unary(plain("world"), { timeout: 1000 })).body); // hello, world
 * for await (const { body } of client.streaming(plain("letters"))) console.log(body);
 * ```
 */
export class RpcClient<Request, Response> implements AsyncDisposable {
  readonly #connection: Connection<Response, Request>;
  readonly #calls: Calls<Request, Response>;
  readonly #timeout: number | undefined;
  readonly #maxBufferedItems: number;

  /** Starts at once. Throws a `RangeError` for a bad option. */
  constructor(duplex: Duplex, config: RpcClientConfig<Request, Response>) {
    const { maxBufferedItems = DEFAULT_MAX_BUFFERED_ITEMS } = config;
    this.#maxBufferedItems = checkOption("maxBufferedItems", maxBufferedItems, 1, 2 ** 31);
    this.#timeout = checkTimeout(config.timeout);
    const { remoteAddress } = duplex as SocketDuplex;
    let calls: Calls<Request, Response>;
    this.#connection = new Connection(duplex, {
      ...config,
      reactor: (sender: Sender<Request>) =>
        calls = new Calls(config.messages, sender, config.rpcObserver, remoteAddress),
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
   * `RangeError` for a bad `timeout`. While there is no room to send, requests wait; one
   * that is given up before it leaves is never sent.
   */
  unary(request: Request, options?: CallOptions): Promise<Response> {
    const timeout = this.#timeoutOf(options);
    return new Promise((resolve) => {
      const call = new UnaryCall<Request, Response>(request, resolve);
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
      () => this.#calls.leave(call),
    );
    this.#calls.start(call, options?.signal, timeout);
    return call.stream;
  }

  /**
   * Ends in order: fails the calls in flight with `connection-closed`, cancels those at
   * the server whose requests have left, and closes the connection. May be called again.
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
