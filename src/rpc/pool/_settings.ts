import {
  checkBoolean,
  checkFunction,
  checkOptions,
  integer,
  MAX_DELAY,
  outOfRange,
  requireOptions,
  shown,
  wrong,
} from "../../check.ts";
import type { RestOptions } from "./endpoints/_backoff.ts";
import type { RpcId } from "../message.ts";
import { checkRpcObserver } from "../observer.ts";
import {
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_ENDPOINTS_TTL,
  DEFAULT_MAX_WAITING_CALLS,
  DEFAULT_POOL_SLOTS,
  type EndpointTraits,
  type RpcPoolConfig,
  type SubsetOptions,
} from "./pool_options.ts";
import {
  type BackoffOptions,
  DEFAULT_BACKOFF,
  DEFAULT_OUTLIER_DETECTION,
  DEFAULT_RETRY_BUDGET,
  type OutlierDetectionOptions,
  type RetryBudgetOptions,
} from "./resilience_options.ts";

/** The largest count that an option may be. */
const MANY = 1_000_000;

/** When an endpoint is ejected. */
export type OutlierSettings = Required<OutlierDetectionOptions>;

/** A pool's configuration, checked. */
export interface PoolSettings<Endpoint> {
  readonly slots: number;
  readonly connectionsPerEndpoint: number;
  readonly maxConnectionsPerEndpoint: number;
  readonly subset: SubsetOptions | undefined;
  readonly zone: string | undefined;
  readonly maxZoneInFlight: number | undefined;
  readonly hashBalanceFactor: number;
  readonly slowStartWindow: number;
  readonly outliers: OutlierSettings | undefined;
  readonly waitForReady: boolean;
  readonly maxWaitingCalls: number;
  readonly retryBudget: Required<RetryBudgetOptions> | undefined;
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
  requireOptions("config", "endpoints", config);
  const { connect, endpoints, endpointKey = jsonKey, random = Math.random } = config;
  checkFunction("connect", connect);
  checkFunction("endpointKey", endpointKey);
  checkFunction("random", random);
  checkOptions("observer", config.observer);
  checkRpcObserver(config.rpcObserver);
  checkEndpoints(endpoints, endpointKey);
  if (config.endpointsTtl !== undefined && typeof endpoints !== "function") {
    throw wrong("endpointsTtl is only for endpoints that are a function");
  }
  const draw = () => {
    const drawn = random();
    return drawn >= 0 && drawn < 1 ? drawn : 0;
  };
  const { slots = DEFAULT_POOL_SLOTS, connectionsPerEndpoint = 1, waitForReady = false } = config;
  const { maxConnectionsPerEndpoint = Math.max(slots, connectionsPerEndpoint) } = config;
  const { maxWaitingCalls = DEFAULT_MAX_WAITING_CALLS, zone } = config;
  integer("connectionsPerEndpoint", connectionsPerEndpoint, 1, 65536);
  if (zone !== undefined) checkZone("zone", zone);
  checkBoolean("waitForReady", waitForReady);
  return {
    slots: integer("slots", slots, 1, 65536),
    connectionsPerEndpoint,
    maxConnectionsPerEndpoint: integer(
      "maxConnectionsPerEndpoint",
      maxConnectionsPerEndpoint,
      connectionsPerEndpoint,
      65536,
    ),
    subset: checkSubset(config.subset),
    zone,
    maxZoneInFlight: checkZoneLoad(config.maxZoneInFlight, zone),
    hashBalanceFactor: checkBalance(config.hashBalanceFactor ?? 0),
    slowStartWindow: integer("slowStartWindow", config.slowStartWindow ?? 0, 0, MAX_DELAY),
    outliers: checkOutliers(config.outlierDetection),
    waitForReady,
    maxWaitingCalls: integer("maxWaitingCalls", maxWaitingCalls, 0, MAX_DELAY),
    retryBudget: checkRetryBudget(config.retryBudget),
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
  return value === undefined ? undefined : integer(name, value, 1, MAX_DELAY);
}

/** Checks an optional key of a call. */
export function checkKey(key: RpcId | string | undefined): void {
  if (key === undefined) return;
  if (typeof key === "string" ? key !== "" : typeof key === "bigint" ? key >= 0n : natural(key)) {
    return;
  }
  const integers = `an integer from 0 to ${Number.MAX_SAFE_INTEGER}, or a bigint from 0`;
  const message = `key must be a text that is not empty, ${integers}, not ${String(key)}`;
  throw isNumber(key) ? outOfRange(message) : wrong(message);
}

/** Checks an optional set of a call. */
export function checkApart(value: Set<unknown> | undefined): Set<unknown> | undefined {
  if (value === undefined || value instanceof Set) return value;
  throw wrong(`apart must be a Set, not ${shown(value)}`);
}

/** What an endpoint says of itself, checked. Throws a `RangeError` for what is out of range. */
export function traitsOf(endpoint: unknown): Required<Omit<EndpointTraits, "zone">> & {
  readonly zone: string | undefined;
} {
  if (typeof endpoint !== "object" || endpoint === null) return PLAIN;
  const { weight = 1, zone, priority = 0 } = endpoint as EndpointTraits;
  checkNumber("weight of an endpoint", weight, Number.MIN_VALUE, Number.MAX_VALUE);
  integer("priority of an endpoint", priority, 0, 65535);
  if (zone !== undefined) checkZone("zone of an endpoint", zone);
  return { weight, zone, priority };
}

const PLAIN = { weight: 1, zone: undefined, priority: 0 };

function natural(value: unknown): boolean {
  return Number.isSafeInteger(value) && value as number >= 0;
}

function checkZone(name: string, zone: unknown): void {
  if (typeof zone === "string" && zone !== "") return;
  throw wrong(`The ${name} must be a text that is not empty, not ${String(zone)}`);
}

function checkZoneLoad(most: number | undefined, zone: string | undefined): number | undefined {
  if (most === undefined) return undefined;
  checkNumber("maxZoneInFlight", most, 0.01, MANY);
  if (zone === undefined) throw wrong("maxZoneInFlight is only for a pool with a zone");
  return most;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function checkSubset(subset: SubsetOptions | undefined): SubsetOptions | undefined {
  if (subset === undefined) return undefined;
  checkOptions("subset", subset);
  const { size, client } = subset;
  integer("subset.size", size, 1, 65536);
  if (typeof client === "string" ? client === "" : !natural(client)) {
    const message = `subset.client must be an integer from 0, or a text that is not empty, not ${
      String(client)
    }`;
    throw isNumber(client) ? outOfRange(message) : wrong(message);
  }
  return { size, client };
}

function checkBalance(factor: number): number {
  if (factor === 0) return 0;
  return integer("hashBalanceFactor, if it is not 0,", factor, 100, MANY);
}

function checkRetryBudget(
  options: RetryBudgetOptions | false = {},
): Required<RetryBudgetOptions> | undefined {
  if (options === false) return undefined;
  checkOptions("retryBudget", options);
  const { ratio, minPerSecond } = { ...DEFAULT_RETRY_BUDGET, ...given(options) };
  checkNumber("retryBudget.ratio", ratio, 0, 1);
  integer("retryBudget.minPerSecond", minPerSecond, 0, MANY);
  return { ratio, minPerSecond };
}

function checkOutliers(
  options: OutlierDetectionOptions | false = {},
): OutlierSettings | undefined {
  if (options === false) return undefined;
  checkOptions("outlierDetection", options);
  const settings = { ...DEFAULT_OUTLIER_DETECTION, ...given(options) };
  const { baseEjectionTime } = settings;
  if (options.maxEjectionTime === undefined) {
    settings.maxEjectionTime = Math.max(settings.maxEjectionTime, baseEjectionTime);
  }
  const ranges: [name: keyof OutlierSettings, min: number, max: number][] = [
    ["consecutiveFailures", 0, MANY],
    ["failurePercentage", 0, 100],
    ["requestVolume", 1, MANY],
    ["interval", 1, MAX_DELAY],
    ["baseEjectionTime", 1, MAX_DELAY],
    ["maxEjectionTime", 1, MAX_DELAY],
    ["maxEjectionPercent", 1, 100],
  ];
  for (const [name, min, max] of ranges) {
    integer(`outlierDetection.${name}`, settings[name], min, max);
  }
  return settings;
}

/** The options that are given: one that is `undefined` is not. */
function given<T extends object>(options: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [name in keyof T]: Exclude<T[name], undefined> };
}

function checkEndpoints<Endpoint>(endpoints: unknown, keyOf: (endpoint: Endpoint) => string): void {
  if (typeof endpoints === "function") return;
  if (!Array.isArray(endpoints)) {
    throw wrong(`endpoints must be an array or a function, not ${shown(endpoints)}`);
  }
  if (endpoints.length === 0) throw outOfRange("endpoints must not be empty");
  for (const endpoint of endpoints) traitsOf(endpoint);
  const seen = new Set<string>();
  const keys = endpoints.map((endpoint) => keyOf(endpoint));
  const twice = keys.find((key) => seen.size === seen.add(key).size);
  if (twice !== undefined) {
    throw outOfRange(`endpoints must differ, and two have the key ${twice}; see endpointKey`);
  }
}

function checkBackoff(options: BackoffOptions = {}): Required<BackoffOptions> {
  checkOptions("backoff", options);
  const { initial = DEFAULT_BACKOFF.initial, factor = DEFAULT_BACKOFF.factor } = options;
  const { max = Math.max(initial, DEFAULT_BACKOFF.max), jitter = DEFAULT_BACKOFF.jitter } = options;
  integer("backoff.initial", initial, 1, MAX_DELAY);
  integer("backoff.max", max, initial, MAX_DELAY);
  checkNumber("backoff.factor", factor, 1, Number.MAX_VALUE);
  checkNumber("backoff.jitter", jitter, 0, 1);
  return { initial, max, factor, jitter };
}

function checkNumber(name: string, value: number, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  const least = min === Number.MIN_VALUE ? "above 0" : `of at least ${min}`;
  const range = max === Number.MAX_VALUE ? least : `from ${min} to ${max}`;
  throw outOfRange(`${name} must be a number ${range}, not ${shown(value)}`);
}

function jsonKey(endpoint: unknown): string {
  if (typeof endpoint === "string") return endpoint;
  try {
    const key = JSON.stringify(withoutTraits(endpoint));
    if (typeof key === "string") return key;
  } catch {
    // It has no JSON, as below.
  }
  throw wrong(
    `An endpoint has no JSON to tell it by: ${String(endpoint)}; give endpointKey`,
  );
}

/** An endpoint's own address: what it says of itself beside may change. */
function withoutTraits(endpoint: unknown): unknown {
  if (typeof endpoint !== "object" || endpoint === null || "toJSON" in endpoint) return endpoint;
  if (!("weight" in endpoint || "zone" in endpoint || "priority" in endpoint)) return endpoint;
  const { weight: _weight, zone: _zone, priority: _priority, ...address } =
    endpoint as EndpointTraits;
  return address;
}
