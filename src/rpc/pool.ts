import { checkDrainTimeout } from "../options.ts";
import type { DrainOptions } from "../../mod.ts";
import { Attempts } from "./_attempts.ts";
import { PoolStream } from "./_pool_stream.ts";
import { poolClosed, Slots, type Wanted } from "./_slots.ts";
import type { RpcClient, RpcStream } from "./client.ts";
import type { PoolCallOptions, PoolClientOptions, RpcPoolConfig } from "./pool_options.ts";

const NONE: PoolCallOptions = {};

/**
 * Calls rpcs over several connections, to one endpoint or to several, and makes them
 * anew when they end.
 *
 * - **Slots.** There are so many places for a connection. Each connects when a call
 *   first falls to it, and again after its connection has ended; calls that come
 *   meanwhile share the connect in flight. A call takes two slots at random and goes to
 *   the one with fewer calls in flight; with a `key` it takes slot `key mod slots`. No
 *   call without a key waits for a connect while any slot is connected.
 * - **Endpoints.** A slot connects to one of the endpoints that have the fewest slots.
 *   If that fails, or takes longer than 250 ms, the next is tried; the first to answer
 *   wins. An endpoint that failed rests, longer each time. One that has come back, or is
 *   new, gets slots of the others, one a second at the most: calls in flight on such a
 *   slot stay where they are and finish.
 * - **Failures.** When no endpoint can be connected to, all who wait are told at once,
 *   with the code `unavailable`, and so are those who come while all endpoints rest: no
 *   call is queued for better times. The pool needs no restart: the first call after a
 *   rest tries again.
 * - **Retries.** A call whose connection ended before it left this machine is made again
 *   on another, up to `slots` times. One that may have been sent is made again only if it
 *   is `idempotent`, up to twice. It goes to an endpoint where it has not failed, if one is
 *   connected or can be. What the server refused or cancelled is not made again. The
 *   `timeout` counts all attempts together.
 *
 * Requests belong to the pool from the call on: their ids are overwritten.
 *
 * @example
 * ```ts
 * import { json } from "@protosocket/protosocket/json";
 * import { connect, listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { RpcClient, RpcPool, serveRpc } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 * await using server = serveRpc(await listen({ port: 0 }), {
 *   codec: () => json<Plain<string>>(),
 *   messages,
 *   service: () => ({ body }) => plain(`hello, ${body}`),
 * });
 *
 * await using pool = new RpcPool({
 *   endpoints: [server.address], // or several: { hostname: "10.0.0.1", port: 9000 }, …
 *   connect: async (endpoint, { signal }) =>
 *     new RpcClient(await connect({ ...endpoint, signal }), {
 *       codec: json<Plain<string>>(),
 *       messages,
 *     }),
 * });
 * console.log((await pool.unary(plain("world"), { timeout: 1000 })).body); // hello, world
 * ```
 */
export class RpcPool<Request, Response, Endpoint> implements AsyncDisposable {
  readonly #slots: Slots<Request, Response, Endpoint>;
  #open = true;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Connects to nothing yet. Throws a `RangeError` for an option that is out of its
   * range, and for endpoints that are none or not different; a `TypeError` for one that
   * is of another kind, and for an `endpointsTtl` without a function.
   */
  constructor(config: RpcPoolConfig<Request, Response, Endpoint>) {
    this.#slots = new Slots(config);
  }

  /** How many connections there may be. */
  get size(): number {
    return this.#slots.settings.slots;
  }

  /** How many slots have a connection on which calls can be made. */
  get connected(): number {
    return this.#slots.connected;
  }

  /** How many calls wait for their answer, or for the end of their stream, on all connections. */
  get inFlight(): number {
    return this.#slots.inFlight;
  }

  /** How many calls wait for a connection. */
  get waiting(): number {
    return this.#slots.waiting;
  }

  /**
   * Sends a request and gives its one answer.
   *
   * Rejects as {@linkcode RpcClient.unary} does, with `unavailable` if no connection can
   * be made, and with `connection-closed` once the pool is closed. Throws a `RangeError`
   * for a bad `timeout` or `key`.
   */
  unary(request: Request, options: PoolCallOptions = NONE): Promise<Response> {
    return this.#unary(request, new Attempts(options, this.#slots.settings));
  }

  /**
   * Sends a request, at once if a slot is connected, and gives its answers as they come.
   * Fails as {@linkcode unary} does, where it is read. It is made again only before its
   * first answer, when that is read.
   *
   * As with a client, a stream must be read or left.
   */
  streaming(request: Request, options: PoolCallOptions = NONE): RpcStream<Response> {
    const attempts = new Attempts(options, this.#slots.settings);
    return new PoolStream({
      open: async (left) => {
        attempts.left = left;
        return await this.#use(attempts, (client) => {
          return left.aborted ? undefined : client.streaming(request, attempts.callOptions());
        });
      },
      afterFailure: (error) => attempts.failed(error, this.#open),
    });
  }

  /**
   * Gives a connection for calls of one's own, chosen as for a call. Ask for it again for
   * each piece of work rather than keep it: it may end at any time, as the pool closes
   * idle connections and moves slots to other endpoints, and calls made on it are not
   * made again.
   *
   * Rejects as {@linkcode unary} does; `timeout` bounds the wait for a connection.
   */
  async client(options: PoolClientOptions = NONE): Promise<RpcClient<Request, Response>> {
    const { signal } = options;
    if (signal?.aborted) throw signal.reason;
    const attempts = new Attempts(options, this.#slots.settings);
    return await this.#use(attempts, (client) => client);
  }

  /**
   * Takes no more calls, lets those that wait for a connection and those in flight finish
   * until the `timeout`, gives up the rest like {@linkcode close}, and closes all
   * connections. May be called again. Throws a `RangeError` for a bad `timeout`.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    const timeout = checkDrainTimeout(options.timeout, "timeout");
    this.#open = false;
    return this.#draining ??= this.#closing ?? this.#slots.drain(timeout);
  }

  /**
   * Ends in order: fails the calls that wait or are in flight with `connection-closed`,
   * gives up the connects under way, and closes all connections. Leaves no timer. May be
   * called again, also to cut a {@linkcode drain} short.
   */
  close(): Promise<void> {
    this.#open = false;
    return this.#closing ??= this.#slots.close();
  }

  /** Same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #unary(request: Request, attempts: Attempts): Promise<Response> {
    for (;;) {
      try {
        return await this.#use(attempts, (client) => {
          return client.unary(request, attempts.callOptions());
        });
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
