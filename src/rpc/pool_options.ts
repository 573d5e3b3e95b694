import type { CloseReason } from "../../mod.ts";
import { checkOption, MAX_DELAY } from "../options.ts";
import type { RestOptions } from "./_rest.ts";
import type { CallOptions, RpcClient } from "./client.ts";
import type { RpcId } from "./message.ts";

/** The default of {@linkcode RpcPoolConfig.slots}: 4. */
export const DEFAULT_POOL_SLOTS = 4;
/** The default of {@linkcode RpcPoolConfig.connectTimeout}: 10 seconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;
/** The default of {@linkcode RpcPoolConfig.endpointsTtl}: 30 seconds. */
export const DEFAULT_ENDPOINTS_TTL = 30_000;
/** The defaults of {@linkcode BackoffOptions}. */
export const DEFAULT_BACKOFF: Required<BackoffOptions> = {
  initial: 100,
  max: 10_000,
  factor: 2,
  jitter: 0.5,
};

/**
 * How long an endpoint rests after it could not be connected to: `initial`, then each
 * time `factor` times as long, at most `max`, and of that a random part off. A
 * connection that ends within `initial` counts as a failure too; one that has lasted
 * longer makes the next failure the first again.
 */
export interface BackoffOptions {
  /**
   * The first rest, in milliseconds: an integer from 1 to 2,147,483,647.
   *
   * @default {100}
   */
  readonly initial?: number;
  /**
   * The longest rest, in milliseconds: an integer from `initial` to 2,147,483,647.
   *
   * @default {10000} or `initial`, if that is more
   */
  readonly max?: number;
  /**
   * How many times as long each rest is as the one before: 1 or more.
   *
   * @default {2}
   */
  readonly factor?: number;
  /**
   * How much of each rest is left to chance: with 0.5 a rest of 100 ms is one of 50 to
   * 100. From 0 to 1.
   *
   * @default {0.5}
   */
  readonly jitter?: number;
}

/** Watches a pool, for logs and metrics. What an observer throws is ignored. */
export interface PoolObserver<Endpoint> {
  /** A connection is open. */
  onConnected?(endpoint: Endpoint): void;
  /** An endpoint could not be connected to; it rests for so many milliseconds. */
  onConnectFailed?(endpoint: Endpoint, error: unknown, rest: number): void;
  /** A connection has ended, in whatever way. */
  onDisconnected?(endpoint: Endpoint, reason: CloseReason): void;
  /** The endpoints could not be found; the pool goes on with those it knows. */
  onEndpointsFailed?(error: unknown): void;
}

/** What an `RpcPool` is made of, with its bounds. */
export interface RpcPoolConfig<Request, Response, Endpoint> {
  /**
   * Makes a client that is connected to an endpoint. The signal fires when nobody wants
   * it any more: when `connectTimeout` has passed, another endpoint was faster, or the
   * pool closes. A client that comes later is aborted.
   *
   * A rejection, a throw and a client that is not alive all count as a failed connect.
   */
  readonly connect: (
    endpoint: Endpoint,
    options: { readonly signal: AbortSignal },
  ) => Promise<RpcClient<Request, Response>>;
  /**
   * Where to connect to: at least one endpoint, all different; or a function that finds
   * them, as `dnsEndpoints()` does. It is called when the pool needs its first
   * connection, when a connect has failed, and when `endpointsTtl` has passed. If it
   * fails, takes longer than `connectTimeout` or finds none, the pool goes on with those
   * that it knows, and asks again after a rest as of an endpoint.
   *
   * Connections to an endpoint that is found no more stay until they end.
   */
  readonly endpoints:
    | readonly Endpoint[]
    | ((options: { readonly signal: AbortSignal }) => Promise<readonly Endpoint[]>);
  /**
   * What tells endpoints apart: two with the same key are one.
   *
   * @default {JSON.stringify} strings by themselves, everything else by its JSON
   */
  readonly endpointKey?: (endpoint: Endpoint) => string;
  /**
   * For how many milliseconds what an `endpoints` function found is good: an integer
   * from 1 to 2,147,483,647. Only with a function.
   *
   * @default {30000}
   */
  readonly endpointsTtl?: number;
  /**
   * How many connections there may be: an integer from 1 to 65,536. Each is made when a
   * call first falls to its slot.
   *
   * @default {4}
   */
  readonly slots?: number;
  /**
   * For how many milliseconds one connect may last: an integer from 1 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly connectTimeout?: number;
  /**
   * How long an endpoint rests that could not be connected to.
   *
   * @default {DEFAULT_BACKOFF}
   */
  readonly backoff?: BackoffOptions;
  /**
   * Milliseconds without a call after which a connection is closed in order: an integer
   * from 1 to 2,147,483,647. It is opened again by the next call that falls to its slot.
   * Not to be confused with `idleTimeout` of a connection, which is about a peer that
   * sends nothing.
   *
   * @default {undefined} connections stay open
   */
  readonly idleTimeout?: number;
  /**
   * The `timeout` of calls that have none of their own, in milliseconds: an integer from
   * 1 to 2,147,483,647. Unlike the one of an `RpcClient`, it counts the connect and all
   * attempts together.
   *
   * @default {undefined} without end
   */
  readonly timeout?: number;
  /** Watches the pool. */
  readonly observer?: PoolObserver<Endpoint>;
  /**
   * Draws a number from 0 to below 1, as `Math.random`, for tests: which slots are
   * compared, which endpoint is tried, how long one rests. Anything else counts as 0.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** Which slot a call goes to, and how long it may wait. */
export interface PoolClientOptions extends CallOptions {
  /**
   * Chooses slot `key mod slots`, so that calls with the same key share a connection: an
   * integer from 0 to 2^53 - 1, or a bigint that is not negative.
   *
   * @default {undefined} the less busy of two random slots
   */
  readonly key?: RpcId;
}

/** Options of one call of a pool. */
export interface PoolCallOptions extends PoolClientOptions {
  /**
   * Says that the request may be carried out twice without harm. Then it is made again
   * also if its connection ended after it may have been sent, at most twice.
   *
   * @default {false}
   */
  readonly idempotent?: boolean;
}

/** A pool's settings, checked. */
export interface PoolSettings<Endpoint> {
  readonly slots: number;
  readonly connectTimeout: number;
  readonly endpointsTtl: number;
  readonly idleTimeout: number | undefined;
  readonly timeout: number | undefined;
  readonly rests: RestOptions;
  readonly keyOf: (endpoint: Endpoint) => string;
  readonly random: () => number;
}

/** Checks a pool's configuration and fills in the defaults. */
export function checkPoolConfig<Request, Response, Endpoint>(
  config: RpcPoolConfig<Request, Response, Endpoint>,
): PoolSettings<Endpoint> {
  const { connect, endpoints, endpointKey = jsonKey, random = Math.random } = config;
  checkFunction("connect", connect);
  checkFunction("endpointKey", endpointKey);
  checkFunction("random", random);
  checkEndpoints(endpoints, endpointKey);
  if (config.endpointsTtl !== undefined && typeof endpoints !== "function") {
    throw new TypeError("endpointsTtl is only for endpoints that are a function");
  }
  const draw = () => {
    const drawn = random();
    return drawn >= 0 && drawn < 1 ? drawn : 0;
  };
  const { slots = DEFAULT_POOL_SLOTS } = config;
  return {
    slots: checkOption("slots", slots, 1, 65536),
    connectTimeout: checkDelay("connectTimeout", config.connectTimeout) ?? DEFAULT_CONNECT_TIMEOUT,
    endpointsTtl: checkDelay("endpointsTtl", config.endpointsTtl) ?? DEFAULT_ENDPOINTS_TTL,
    idleTimeout: checkDelay("idleTimeout", config.idleTimeout),
    timeout: checkDelay("timeout", config.timeout),
    rests: { ...checkBackoff(config.backoff), random: draw },
    keyOf: endpointKey,
    random: draw,
  };
}

/** Checks an optional time in milliseconds. */
export function checkDelay(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : checkOption(name, value, 1, MAX_DELAY);
}

/** Checks an optional key of a call. */
export function checkKey(key: RpcId | undefined): void {
  const good = typeof key === "bigint" ? key >= 0n : Number.isSafeInteger(key) && key! >= 0;
  if (key === undefined || good) return;
  throw new RangeError(
    `key must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}, or a bigint from 0, not ${
      String(key)
    }`,
  );
}

function checkEndpoints<Endpoint>(endpoints: unknown, keyOf: (endpoint: Endpoint) => string): void {
  if (typeof endpoints === "function") return;
  if (!Array.isArray(endpoints)) {
    throw new TypeError(`endpoints must be an array or a function, not ${String(endpoints)}`);
  }
  if (endpoints.length === 0) throw new RangeError("endpoints must not be empty");
  const keys = endpoints.map(keyOf);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) {
    throw new RangeError(`endpoints must differ, and two have the key ${twice}; see endpointKey`);
  }
}

function checkBackoff(options: BackoffOptions = {}): Required<BackoffOptions> {
  const { initial = DEFAULT_BACKOFF.initial, factor = DEFAULT_BACKOFF.factor } = options;
  const { max = Math.max(initial, DEFAULT_BACKOFF.max), jitter = DEFAULT_BACKOFF.jitter } = options;
  checkOption("backoff.initial", initial, 1, MAX_DELAY);
  checkOption("backoff.max", max, initial, MAX_DELAY);
  checkNumber("backoff.factor", factor, 1, Number.MAX_VALUE);
  checkNumber("backoff.jitter", jitter, 0, 1);
  return { initial, max, factor, jitter };
}

function checkNumber(name: string, value: number, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RangeError(`${name} must be a number ${range}, not ${value}`);
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new TypeError(`${name} must be a function, not ${String(value)}`);
  }
}

function jsonKey(endpoint: unknown): string {
  if (typeof endpoint === "string") return endpoint;
  try {
    const key = JSON.stringify(endpoint);
    if (typeof key === "string") return key;
  } catch {
    // It has no JSON, as below.
  }
  throw new TypeError(
    `An endpoint has no JSON to tell it by: ${String(endpoint)}; give endpointKey`,
  );
}
