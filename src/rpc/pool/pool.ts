import { checkConnectionOption } from "../../options.ts";
import type { DrainOptions } from "../../../mod.ts";
import { Attempts } from "./calls/_attempts.ts";
import type { Wanted } from "./_choice.ts";
import { ObservedStream, PoolStream } from "./calls/_pool_stream.ts";
import { poolClosed } from "./_errors.ts";
import { Slots } from "./_slots.ts";
import type { RpcClient, RpcStream } from "../client/client.ts";
import { failureOf, observe, type RpcObserver } from "../observer.ts";
import type { PoolCallOptions, PoolClientOptions, RpcPoolConfig } from "./pool_options.ts";

const NONE: PoolCallOptions<never> = {};

/**
 * Makes RPCs over several connections, to one endpoint or to many, and reconnects when
 * they end.
 *
 * - **Slots.** A pool has slots, each for one connection: `slots` of them, or as many as its
 *   endpoints need (`connectionsPerEndpoint`). A slot connects when the first call is
 *   assigned to it, and again after its connection has ended; calls that arrive meanwhile
 *   share the pending connect. A call picks two slots at random, as their endpoints' weights
 *   say, and takes the one with fewer calls in flight. A call without a key never waits for a
 *   connect while any slot is connected.
 * - **Keys.** A text `key` selects an endpoint, the same one in every process, and another one
 *   while that cannot be used. A number selects slot `key mod size`.
 * - **Endpoints.** A slot connects to one of the endpoints that have the fewest slots. If
 *   that fails, or takes longer than 250 ms, the next endpoint is tried as well, and the
 *   first to connect wins. An endpoint that failed is left alone (it backs off), longer each
 *   time. One that has recovered is given slots of the others, a tenth of them a second; one
 *   that is new has a slot of its own at once. Connections to one that is no longer found
 *   are replaced. Calls in flight finish on the old connection.
 * - **Weights and zones.** Endpoints of a lower `priority`, and of the pool's `zone`, take all
 *   calls as long as 5 of 7 of them can be used, each as its `weight` says; others take what
 *   is missing. With `subset`, a pool connects to some of many endpoints only.
 * - **Failures.** If no endpoint can be connected to, all waiting calls fail at once with
 *   the code `unavailable`, and so do new calls while all endpoints back off, but for those
 *   with `waitForReady`. The first call after a backoff tries again. No call fails so while a
 *   slot is connected, also one whose `key` is for another slot. An endpoint whose calls fail
 *   while those to others succeed is left out for a time: see `outlierDetection`.
 * - **Restarts.** A connection whose server goes away (it drains) is replaced at once; calls
 *   in flight finish on it. Other endpoints are preferred for a second. If all others back
 *   off, they are tried again, as they may have been restarted before.
 * - **Retries.** A call whose connection ended before the request was sent, or whose server
 *   went away before it began the call, is retried on another connection at once, up to 16
 *   times, or as often as there are slots if that is more. A call that may have been sent is
 *   retried only if it is `idempotent`, at most twice, and within the `retryBudget`. A retry
 *   prefers an endpoint where the call has not failed. What the server refused or cancelled
 *   is not retried, and counts as load of that endpoint for some seconds: who refuses at once
 *   must not seem idle. The `timeout` covers all attempts together.
 *
 * Requests belong to the pool once they are passed to a call: their ids are overwritten.
 *
 * @example
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { connect, listen } from "@protosocket/protosocket/sockets";
 * import { RpcClient, rpcFields, RpcPool, serveRpc } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Message>(),
 *   messages,
 *   service: () => ({ text }) => ({ text: `hello, ${text}` }),
 * });
 *
 * await using pool = new RpcPool({
 *   endpoints: [server.address], // or several: { hostname: "10.0.0.1", port: 9000 }, …
 *   connect: async (endpoint, { signal }) =>
 *     new RpcClient(await connect({ ...endpoint, signal }), {
 *       codec: json<Message>(),
 *       messages,
 *     }),
 * });
 * console.log((await pool.unary({ text: "world" }, { timeout: 1000 })).text); // hello, world
 * ```
 */
export class RpcPool<Request, Response, Endpoint> implements AsyncDisposable {
  readonly #slots: Slots<Request, Response, Endpoint>;
  readonly #observer: RpcObserver<Request> | undefined;
  #open = true;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Does not connect yet: the first call does. Throws a `RangeError` for an option out of
   * range, or for an empty or duplicate list of endpoints; a `TypeError` for an option of
   * the wrong type, or for an `endpointsTtl` if `endpoints` is not a function.
   */
  constructor(config: RpcPoolConfig<Request, Response, Endpoint>) {
    this.#slots = new Slots(config);
    this.#observer = config.rpcObserver;
  }

  /** How many connections there can be: `slots`, or more if the endpoints need more. */
  get size(): number {
    return this.#slots.size;
  }

  /** How many slots have a connection that can take calls. */
  get connected(): number {
    return this.#slots.connected;
  }

  /** How many calls are waiting for their response, or for the end of their stream, in total. */
  get inFlight(): number {
    return this.#slots.inFlight;
  }

  /** How many calls are waiting for a connection. */
  get waiting(): number {
    return this.#slots.waiting;
  }

  /**
   * Sends a request and returns its single response.
   *
   * Rejects as {@linkcode RpcClient.unary} does, with `unavailable` if no connection can be
   * made, and with `connection-closed` once the pool is closed. Throws a `RangeError` for a
   * `timeout` or `key` out of range.
   */
  unary(request: Request, options: PoolCallOptions<Request> = NONE): Promise<Response> {
    const attempts = new Attempts(options, this.#slots);
    if (!this.#observer) return this.#unary(request, attempts, options.requests);
    const onEnd = observe(this.#observer, { id: 0, request });
    const answer = this.#unary(request, attempts, options.requests);
    answer.then(() => onEnd(undefined), (error) => onEnd(failureOf(error)));
    return answer;
  }

  /**
   * Sends a request, at once if a slot is connected, and returns its responses as they
   * arrive. Fails as {@linkcode unary} does, when it is read. It is retried only while no
   * response has arrived, and only when the first one is read.
   *
   * As with a client, a stream must be read to its end or left.
   */
  streaming(request: Request, options: PoolCallOptions<Request> = NONE): RpcStream<Response> {
    const attempts = new Attempts(options, this.#slots);
    // The first: an observer sees the request before it is sent.
    const onEnd = this.#observer && observe(this.#observer, { id: 0, request });
    const stream = new PoolStream<Response>({
      open: async (left) => {
        attempts.left = left;
        return await this.#use(attempts, (client) => {
          return left.aborted
            ? undefined
            : client.streaming(request, attempts.callOptions(options.requests));
        });
      },
      arrived: () => attempts.succeeded(),
      afterFailure: (error) => attempts.failed(error, this.#open),
    });
    return onEnd ? new ObservedStream(stream, onEnd) : stream;
  }

  /**
   * Returns one of the pool's clients, chosen as for a call. Request one for each piece of
   * work instead of keeping it: it may end at any time, since the pool closes idle
   * connections and moves slots to other endpoints. Calls made on it are not retried.
   *
   * Rejects as {@linkcode unary} does; `timeout` limits the wait for a connection.
   */
  async client(options: PoolClientOptions = NONE): Promise<RpcClient<Request, Response>> {
    const attempts = new Attempts(options, this.#slots);
    if (options.signal?.aborted) throw options.signal.reason;
    return await this.#use(attempts, (client) => client);
  }

  /**
   * Accepts no more calls, lets those that are waiting for a connection or in flight finish
   * within `timeout`, ends the rest as {@linkcode close} does, and closes all connections.
   * May be called again. Throws a `RangeError` for a `timeout` out of range.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    const timeout = checkConnectionOption("drainTimeout", options.timeout, "timeout");
    this.#open = false;
    return this.#draining ??= this.#closing ?? this.#slots.drain(timeout);
  }

  /**
   * Closes in order: fails the calls that are waiting or in flight with `connection-closed`,
   * aborts pending connects, and closes all connections. Leaves no timer behind. May be
   * called again, and cuts a {@linkcode drain} short.
   */
  close(): Promise<void> {
    this.#open = false;
    return this.#closing ??= this.#slots.close();
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #unary(
    request: Request,
    attempts: Attempts,
    requests: PoolCallOptions<Request>["requests"],
  ): Promise<Response> {
    for (;;) {
      try {
        const response = await this.#use(attempts, (client) => {
          return client.unary(request, attempts.callOptions(requests));
        });
        attempts.succeeded();
        return response;
      } catch (error) {
        attempts.failed(error, this.#open);
      }
    }
  }

  #use<T>(wanted: Wanted, use: (client: RpcClient<Request, Response>) => T): T | Promise<T> {
    if (!this.#open) throw poolClosed();
    return this.#slots.use(wanted, use);
  }
}
