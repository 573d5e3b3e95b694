import type { CloseReason } from "../../../mod.ts";
import { delay, integer, MAX_DELAY } from "../../check.ts";
import type { RestOptions } from "./_backoff.ts";
import type { CallOptions, RpcClient, StreamingCallOptions } from "../client/client.ts";
import type { RpcId } from "../message.ts";
import type { RpcObserver } from "../observer.ts";

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
 * How long an endpoint is left alone after a failed connect: `initial`, then `factor` times
 * as long with each further failure, at most `max`, less a random part (`jitter`). A
 * connection that ends within `initial` counts as a failure too; one that lasts longer
 * resets the backoff.
 */
export interface BackoffOptions {
  /**
   * The first backoff, in milliseconds: an integer from 1 to 2,147,483,647.
   *
   * @default {100}
   */
  readonly initial?: number;
  /**
   * The longest backoff, in milliseconds: an integer from `initial` to 2,147,483,647.
   *
   * @default {10000} or `initial`, if that is more
   */
  readonly max?: number;
  /**
   * How many times longer each backoff is than the one before: 1 or more.
   *
   * @default {2}
   */
  readonly factor?: number;
  /**
   * How much of each backoff is random: with 0.5, a backoff of 100 ms becomes one of 50 to
   * 100 ms. From 0 to 1.
   *
   * @default {0.5}
   */
  readonly jitter?: number;
}

/**
 * Observes a pool, for logs and metrics. What an observer throws is ignored, and so is the
 * rejection of a promise that it returns.
 */
export interface PoolObserver<Endpoint> {
  /** A connection is open. */
  onConnected?(endpoint: Endpoint): void;
  /** An endpoint could not be connected to; it is left alone for `rest` milliseconds. */
  onConnectFailed?(endpoint: Endpoint, error: unknown, rest: number): void;
  /**
   * A server is going away: it takes no more calls on a connection, which the pool replaces
   * while calls in flight finish there.
   */
  onGoingAway?(endpoint: Endpoint): void;
  /** A connection has ended, for whatever reason. */
  onDisconnected?(endpoint: Endpoint, reason: CloseReason): void;
  /** The `endpoints` function failed; the pool continues with the endpoints it knows. */
  onEndpointsFailed?(error: unknown): void;
}

/** The parts of an `RpcPool`, with its limits and timeouts. */
export interface RpcPoolConfig<Request, Response, Endpoint> {
  /**
   * Connects to an endpoint and returns a client. The signal fires when the client is no
   * longer needed: `connectTimeout` has passed, another endpoint was faster, or the pool is
   * closing. A client that is returned after that is aborted.
   *
   * A throw, a rejection and a client that is not alive all count as a failed connect.
   */
  readonly connect: (
    endpoint: Endpoint,
    options: { readonly signal: AbortSignal },
  ) => Promise<RpcClient<Request, Response>>;
  /**
   * Where to connect to: at least one endpoint, all different; or a function that finds
   * them, such as `dnsEndpoints()` returns. The function is called when the pool needs its
   * first connection, after a failed connect, and once `endpointsTtl` has passed. If it
   * fails, takes longer than `connectTimeout` or finds none, the pool continues with the
   * endpoints it knows, and calls it again after a backoff.
   *
   * Connections to an endpoint that is no longer found stay open until they end.
   */
  readonly endpoints:
    | readonly Endpoint[]
    | ((options: { readonly signal: AbortSignal }) => Promise<readonly Endpoint[]>);
  /**
   * Returns a key that identifies an endpoint: two endpoints with the same key are the same.
   *
   * @default {JSON.stringify} strings by themselves, everything else by its JSON
   */
  readonly endpointKey?: (endpoint: Endpoint) => string;
  /**
   * How long the result of an `endpoints` function stays valid, in milliseconds: an integer
   * from 1 to 2,147,483,647. Only allowed with a function.
   *
   * @default {30000}
   */
  readonly endpointsTtl?: number;
  /**
   * How many connections there can be: an integer from 1 to 65,536. Each is opened when the
   * first call is assigned to its slot.
   *
   * @default {4}
   */
  readonly slots?: number;
  /**
   * How long one connect may take, in milliseconds: an integer from 1 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly connectTimeout?: number;
  /**
   * How long an endpoint is left alone after a failed connect.
   *
   * @default {DEFAULT_BACKOFF}
   */
  readonly backoff?: BackoffOptions;
  /**
   * Milliseconds without a call after which a connection is closed in order: an integer
   * from 1 to 2,147,483,647. The next call that is assigned to its slot opens it again. Not
   * to be confused with `idleTimeout` of a connection, which detects a peer that sends
   * nothing.
   *
   * @default {undefined} connections stay open
   */
  readonly idleTimeout?: number;
  /**
   * The default `timeout` of calls, in milliseconds: an integer from 1 to 2,147,483,647.
   * Unlike that of an `RpcClient`, it covers the connect and all attempts together.
   *
   * @default {undefined} no limit
   */
  readonly timeout?: number;
  /** Observes the pool, for logs and metrics. */
  readonly observer?: PoolObserver<Endpoint>;
  /**
   * Observes the calls, for traces and metrics: each once, with all its attempts, also if it
   * fails because no connection can be made. The `rpcObserver` of the clients observes
   * single attempts: with the same observer in both, a call would be counted twice.
   */
  readonly rpcObserver?: RpcObserver<Request>;
  /**
   * Returns a number from 0 to below 1, like `Math.random`; for tests. It decides which
   * slots are compared, which endpoint is tried, and how long one backs off. A value outside
   * that range counts as 0.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** Which slot a call takes, and how long it may wait. */
export interface PoolClientOptions extends CallOptions {
  /**
   * Selects slot `key mod slots`, so that calls with the same key share a connection: an
   * integer from 0 to 2^53 - 1, or a non-negative bigint.
   *
   * @default {undefined} the less busy of two random slots
   */
  readonly key?: RpcId;
}

/** Options of one call through a pool. */
export interface PoolCallOptions<Request = never>
  extends PoolClientOptions, StreamingCallOptions<Request> {
  /**
   * Declares that the request may safely be executed more than once. It is then retried, at
   * most twice, even if its connection ended after it may have been sent. Not if it has a stream
   * of requests, which can be read once only.
   *
   * @default {false}
   */
  readonly idempotent?: boolean;
}

/** A pool's configuration, checked. */
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
    slots: integer("slots", slots, 1, 65536),
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
  return value === undefined ? undefined : delay(name, value, 1);
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
  delay("backoff.initial", initial, 1);
  integer("backoff.max", max, initial, MAX_DELAY);
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
