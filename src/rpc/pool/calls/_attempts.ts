import { checkBoolean, checkOptions, checkSignal } from "../../../check.ts";
import type { Wanted } from "../_choice.ts";
import type { Place } from "../endpoints/_place.ts";
import type { StreamingCallOptions } from "../../client/client.ts";
import { RpcError } from "../../errors.ts";
import type { RpcId } from "../../message.ts";
import type { PoolCallOptions } from "../pool_options.ts";
import type { RetryBudget } from "./_retry_budget.ts";
import { checkApart, checkDelay, checkKey } from "../_settings.ts";

/** How often a call that may have been sent is retried, if it is idempotent. */
const REPEATS = 2;
/** How often a call that was never sent is retried at least: each time at another connection. */
const MOVES = 16;
/** As how many refusals a call without an answer in time counts: a server that hangs must not seem idle. */
const TIMED_OUT = 8;

/** What {@linkcode Attempts} needs to know of the pool. */
export interface AttemptsOf {
  /** How many slots there are: how often a call may hit a connection that has just ended. */
  readonly size: number;
  /** What holds for calls that say nothing else. */
  readonly settings: { readonly timeout: number | undefined; readonly waitForReady: boolean };
  readonly budget: RetryBudget | undefined;
  /** An attempt has ended at an endpoint. */
  ended(place: Place<unknown>, how: "succeeded" | "refused" | "failed"): void;
  /** A call is made again. */
  retrying(error: unknown): void;
}

/** The attempts of one call: how long they may take together, and whether to retry. */
export class Attempts implements Wanted {
  readonly key: RpcId | string | undefined;
  readonly waitForReady: boolean;
  /** Fires when the reader of a stream leaves. */
  left: AbortSignal | undefined;
  /** Where it has failed, and where the calls have gone that it keeps apart from. */
  #avoided: Set<unknown> | undefined;
  #at: Place<unknown> | undefined;
  readonly #options: PoolCallOptions<unknown>;
  readonly #pool: AttemptsOf;
  readonly #timeout: number | undefined;
  readonly #endsAt: number | undefined;
  /** How many retries are left for attempts that were never sent. */
  #unsentLeft: number;
  /** How many retries are left for attempts that may have been sent. */
  #sentLeft: number;
  /** The error of an attempt that may have been sent: a later one cannot undo that. */
  #sent: RpcError | undefined;

  /** Throws a `RangeError` for an option out of range, a `TypeError` for a wrong one. */
  constructor(options: PoolCallOptions<unknown>, pool: AttemptsOf) {
    checkOptions("options", options);
    checkSignal(options.signal);
    const { settings: { timeout, waitForReady } } = pool;
    checkKey(options.key);
    this.key = options.key;
    checkBoolean("waitForReady", options.waitForReady);
    this.waitForReady = options.waitForReady ?? waitForReady;
    this.#options = options;
    this.#avoided = checkApart(options.apart);
    this.#pool = pool;
    this.#timeout = checkDelay("timeout", options.timeout) ?? timeout;
    pool.budget?.called(performance.now());
    if (this.#timeout !== undefined) this.#endsAt = performance.now() + this.#timeout;
    this.#unsentLeft = Math.max(pool.size, MOVES);
    this.#sentLeft = options.idempotent === true && !options.requests ? REPEATS : 0;
  }

  get failedAt(): ReadonlySet<Place<unknown>> | undefined {
    return this.#avoided?.size ? this.#avoided as Set<Place<unknown>> : undefined;
  }

  get at(): Place<unknown> | undefined {
    return this.#at;
  }

  set at(place: Place<unknown> | undefined) {
    this.#at = place;
    if (place) this.#options.apart?.add(place);
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

  /** Records that the server has answered. */
  succeeded(): void {
    if (this.at) this.#pool.ended(this.at, "succeeded");
  }

  /**
   * Records a failure. Returns if the call may be retried, provided that the pool is `open`;
   * otherwise throws the error for the caller.
   */
  failed(error: unknown, open: boolean): void {
    if (!(error instanceof RpcError)) throw error;
    if (error.sent) this.#sent = error;
    const { at } = this;
    // Of a server; a pool's own has no id.
    const overloaded = error.code === "unavailable" && error.id !== undefined;
    if (at && (error.code === "cancelled" || overloaded)) {
      at.refusals++;
      if (overloaded) (this.#avoided ??= new Set()).add(at);
      this.#pool.ended(at, "refused");
    } else if (at) (this.#avoided ??= new Set()).add(at);
    const elsewhere = error.code === "connection-closed" || overloaded;
    if (open && elsewhere && this.#mayRetry(error, overloaded)) {
      return this.#pool.retrying(error);
    }
    if (error.code === "deadline-exceeded") {
      if (at) {
        at.refusals += TIMED_OUT;
        // A connection that was lost counts once, and not for each of its calls.
        this.#pool.ended(at, "failed");
      }
      throw this.#timedOut(error);
    }
    // This attempt was not sent, but an earlier one may have been: the caller must know.
    throw error.sent === false ? this.#sent ?? error : error;
  }

  #mayRetry(error: RpcError, overloaded: boolean): boolean {
    // What no server has seen loads none; but servers that are overloaded must not be asked more.
    if (error.sent === false && !overloaded) return this.#unsentLeft-- > 0;
    if (overloaded && this.#unsentLeft-- <= 0) return false;
    if (overloaded) return this.#pool.budget?.take(performance.now()) ?? true;
    if (this.#sentLeft-- <= 0) return false;
    return this.#pool.budget?.take(performance.now()) ?? true;
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
