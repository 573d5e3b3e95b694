import type { CloseReason } from "../../../mod.ts";
import type { CallOptions, RpcClient, StreamingCallOptions } from "../client/client.ts";
import type { RpcId } from "../message.ts";
import type { RpcObserver } from "../observer.ts";
import type {
  BackoffOptions,
  OutlierDetectionOptions,
  RetryBudgetOptions,
} from "./resilience_options.ts";

/** The default of {@linkcode RpcPoolConfig.slots}: 4. */
export const DEFAULT_POOL_SLOTS = 4;
/** The default of {@linkcode RpcPoolConfig.connectTimeout}: 10 seconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;
/** The default of {@linkcode RpcPoolConfig.endpointsTtl}: 30 seconds. */
export const DEFAULT_ENDPOINTS_TTL = 30_000;
/** The default of {@linkcode RpcPoolConfig.maxWaitingCalls}: 10,000. */
export const DEFAULT_MAX_WAITING_CALLS = 10_000;
/**
 * What an endpoint that is an object may say of itself, besides how to connect to it. These
 * do not count in the default `endpointKey`: an endpoint whose weight changes is the same.
 */
export interface EndpointTraits {
  /** How many calls it gets, compared with the others: a number above 0; 1 by default. */
  readonly weight?: number;
  /** Where it is, to be compared with the pool's `zone`. */
  readonly zone?: string;
  /**
   * Endpoints of a higher number are for when too few of the lower ones can be used: an
   * integer from 0 to 65,535, as in SRV records; 0 by default.
   */
  readonly priority?: number;
}

/** What an `endpoints` function may find: the endpoints, and how long they are valid. */
export interface FoundEndpoints<Endpoint> {
  /** At least one endpoint. */
  readonly endpoints: readonly Endpoint[];
  /**
   * For how many milliseconds, if that is less than `endpointsTtl`. Less than a second counts
   * as one.
   */
  readonly ttl?: number;
}

/** Which endpoints one of many pools connects to, if it does not connect to all. */
export interface SubsetOptions {
  /** How many of the endpoints: an integer from 1 to 65,536. */
  readonly size: number;
  /**
   * Tells this pool from the pools of other processes: best a number, counted from 0, such
   * as that of a pod in a StatefulSet, which loads endpoints most evenly; or a name that is
   * different in each process.
   */
  readonly client: number | string;
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
  /** An endpoint is left out for so many milliseconds, as calls to it fail. */
  onEjected?(endpoint: Endpoint, ms: number): void;
  /** A call is made again, since it failed with this error. */
  onRetry?(error: unknown): void;
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
   * A throw, a rejection and a client that is not alive all count as a failed connect. What this
   * package takes for a mistake of the program, such as an option that is wrong, or a duplex in
   * place of a client, fails the calls as it is, a `TypeError` or a `RangeError`, while no other
   * endpoint can be connected to; they do not wait for that to pass.
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
   * Connections to an endpoint that is no longer found are replaced, and then drained.
   *
   * An endpoint may have a `weight`, a `zone` and a `priority`: see {@linkcode EndpointTraits}.
   */
  readonly endpoints:
    | readonly Endpoint[]
    | ((
      options: { readonly signal: AbortSignal },
    ) => Promise<readonly Endpoint[] | FoundEndpoints<Endpoint>>);
  /**
   * Returns a key that identifies an endpoint: two endpoints with the same key are the same.
   *
   * Text keys of calls are spread by it: let it be the same in all processes.
   *
   * @default {JSON.stringify} strings by themselves, everything else by its JSON, without
   * `weight`, `zone` and `priority`
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
   * How many connections there can be at least, spread over the endpoints: an integer from 1
   * to 65,536. Each is opened when the first call is assigned to its slot. With more
   * endpoints than that, there are as many as `connectionsPerEndpoint` says.
   *
   * @default {4}
   */
  readonly slots?: number;
  /**
   * How many connections there can be to each endpoint at least: an integer from 1 to 65,536.
   *
   * @default {1}
   */
  readonly connectionsPerEndpoint?: number;
  /**
   * How many connections to one endpoint at most, when others cannot be connected to: an
   * integer from `connectionsPerEndpoint` to 65,536.
   *
   * @default {slots} or `connectionsPerEndpoint`, if that is more
   */
  readonly maxConnectionsPerEndpoint?: number;
  /**
   * Connects to some of the endpoints only, where there are many pools and many endpoints.
   * Calls with a text key go to their endpoints all the same.
   *
   * @default {undefined} all endpoints
   */
  readonly subset?: SubsetOptions;
  /**
   * Where this pool is: endpoints of the same `zone` are preferred. Calls spill over to the
   * others when fewer than 5 of 7 endpoints of the own zone can be used (Envoy's
   * overprovisioning factor of 1.4), as many as are missing.
   *
   * @default {undefined} zones do not matter
   */
  readonly zone?: string;
  /**
   * How many calls a connection to an endpoint of the own zone may have in flight, on average
   * over all of them: with more, calls spill over to the others, within seconds, as many as are
   * too many. A number from 0.01 to 1,000,000: how many calls a server handles well at once,
   * divided by the number of its clients. Streams count as long as they last. Calls with a text
   * key go to their endpoints all the same. Only allowed with `zone`.
   *
   * @default {undefined} calls spill over only as endpoints are missing
   */
  readonly maxZoneInFlight?: number;
  /**
   * How busy the endpoint of a text key may be, in percent of what all endpoints have in
   * flight from this pool on average: beyond it a call goes to the key's next endpoint. 0,
   * which is no limit, or an integer from 100 to 1,000,000. 120 to 200 are usual.
   *
   * @default {0}
   */
  readonly hashBalanceFactor?: number;
  /**
   * For how many milliseconds an endpoint that is new, or back, gets fewer calls than its
   * weight says: from a tenth on, more by and by. From 0 to 2,147,483,647.
   *
   * @default {0}
   */
  readonly slowStartWindow?: number;
  /**
   * Leaves endpoints out for a time whose calls fail; `false` never does.
   *
   * @default {DEFAULT_OUTLIER_DETECTION}
   */
  readonly outlierDetection?: OutlierDetectionOptions | false;
  /**
   * The default `waitForReady` of calls: whether they wait, within their `timeout`, while no
   * connection can be made, instead of failing at once.
   *
   * @default {false}
   */
  readonly waitForReady?: boolean;
  /**
   * How many calls may wait for a connection; further ones fail at once with `unavailable`.
   * An integer from 0 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly maxWaitingCalls?: number;
  /**
   * How many calls that may have been sent are retried; `false` sets no bound.
   *
   * @default {DEFAULT_RETRY_BUDGET}
   */
  readonly retryBudget?: RetryBudgetOptions | false;
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

/** Where a call goes, and whether it waits. */
export interface PoolClientOptions extends CallOptions {
  /**
   * A text that is not empty selects an endpoint: the same one in every process that has the
   * same endpoints (rendezvous hashing over their `endpointKey`s). While that cannot be used,
   * calls go to the key's next endpoint. When an endpoint comes or goes, no other keys move
   * than those that it gets or had.
   *
   * A number selects slot `key mod size` of this pool, so that calls with the same key share a
   * connection: an integer from 0 to 2^53 - 1, or a non-negative bigint.
   *
   * @default {undefined} the less busy of two random slots
   */
  readonly key?: RpcId | string;
  /**
   * Calls that share a `Set`, empty at first, go to endpoints of their own, as long as there are
   * others: for a request that is sent twice, so that a slow server does not get it again. The
   * pool keeps in it where they have gone. It does not move a call with a number as its key.
   *
   * @default {undefined} all may go to the same one
   */
  readonly apart?: Set<unknown>;
  /**
   * Waits, within `timeout`, while no connection can be made, instead of failing at once.
   *
   * @default {undefined} the pool's `waitForReady`
   */
  readonly waitForReady?: boolean;
}

/** Options of one call through a pool. */
export interface PoolCallOptions<Request = never>
  extends PoolClientOptions, StreamingCallOptions<Request> {
  /**
   * Declares that the request may safely be executed more than once. It is then retried, at
   * most twice, even if its connection ended after it may have been sent, as long as the
   * pool's `retryBudget` allows. Not if it has a stream of requests, which can be read once
   * only.
   *
   * @default {false}
   */
  readonly idempotent?: boolean;
}
