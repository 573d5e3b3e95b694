import type { Place } from "./_endpoints.ts";
import type { Wanted } from "./_slots.ts";
import type { StreamingCallOptions } from "../client/client.ts";
import { RpcError } from "../errors.ts";
import type { RpcId } from "../message.ts";
import { checkDelay, checkKey, type PoolCallOptions } from "./pool_options.ts";

/** How often a call that may have been sent is retried, if it is idempotent. */
const REPEATS = 2;
/** How often a call that was never sent is retried at least: each time at another connection. */
const MOVES = 16;

/** What {@linkcode Attempts} needs to know of the pool. */
export interface AttemptsOf {
  /** The pool's slots: how often a call may hit a connection that has just ended. */
  readonly slots: number;
  /** The timeout of a call that has none. */
  readonly timeout: number | undefined;
}

/** The attempts of one call: how long they may take together, and whether to retry. */
export class Attempts implements Wanted {
  readonly key: RpcId | undefined;
  failedAt: Set<Place<unknown>> | undefined;
  at: Place<unknown> | undefined;
  /** Fires when the reader of a stream leaves. */
  left: AbortSignal | undefined;
  readonly #options: PoolCallOptions<unknown>;
  readonly #timeout: number | undefined;
  readonly #endsAt: number | undefined;
  /** How many retries are left for attempts that were never sent. */
  #unsentLeft: number;
  /** How many retries are left for attempts that may have been sent. */
  #sentLeft: number;
  /** The error of an attempt that may have been sent: a later one cannot undo that. */
  #sent: RpcError | undefined;

  /** Throws a `RangeError` for an option out of range. */
  constructor(options: PoolCallOptions<unknown>, { slots, timeout }: AttemptsOf) {
    checkKey(options.key);
    this.key = options.key;
    this.#options = options;
    this.#timeout = checkDelay("timeout", options.timeout) ?? timeout;
    if (this.#timeout !== undefined) this.#endsAt = performance.now() + this.#timeout;
    this.#unsentLeft = Math.max(slots, MOVES);
    this.#sentLeft = options.idempotent === true && !options.requests ? REPEATS : 0;
  }

  /** How long the next attempt may wait for a connection. Throws if the time is up. */
  bounds(): ReturnType<Wanted["bounds"]> {
    const timeout = this.#remaining();
    return {
      signals: [this.#options.signal, this.left],
      timeout,
      timedOut: () => this.#timedOut(),
    };
  }

  /** The options of the next attempt on its connection. Throws if the time is up. */
  callOptions<Request>(
    requests: StreamingCallOptions<Request>["requests"],
  ): StreamingCallOptions<Request> {
    const { signal } = this.#options;
    const timeout = this.#remaining();
    return requests === undefined ? { signal, timeout } : { signal, timeout, requests };
  }

  /**
   * Records a failure. Returns if the call may be retried, provided that the pool is `open`;
   * otherwise throws the error for the caller.
   */
  failed(error: unknown, open: boolean): void {
    if (!(error instanceof RpcError)) throw error;
    if (error.sent) this.#sent = error;
    const { at } = this;
    if (at && error.code === "cancelled") at.refusals++;
    else if (at) (this.failedAt ??= new Set()).add(at);
    if (open && error.code === "connection-closed") {
      if (error.sent === false ? this.#unsentLeft-- > 0 : this.#sentLeft-- > 0) return;
    }
    if (error.code === "deadline-exceeded") throw this.#timedOut(error);
    // This attempt was not sent, but an earlier one may have been: the caller must know.
    throw error.sent === false ? this.#sent ?? error : error;
  }

  #remaining(): number | undefined {
    if (this.#endsAt === undefined) return undefined;
    const remaining = Math.ceil(this.#endsAt - performance.now());
    if (remaining < 1) throw this.#timedOut();
    return remaining;
  }

  /** Reports the caller's timeout, not what was left of it for the last attempt. */
  #timedOut(error?: RpcError): RpcError {
    if (this.#timeout === undefined && error) return error;
    const message = `No answer within ${this.#timeout} ms`;
    const { id, remoteAddress } = error ?? {};
    return new RpcError("deadline-exceeded", message, {
      id,
      remoteAddress,
      ...(this.#sent && { cause: this.#sent }),
    });
  }
}
