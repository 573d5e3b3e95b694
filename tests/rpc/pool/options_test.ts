// What wrong values do: each is an error with the option's name, before anything is connected.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  DEFAULT_BACKOFF,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_ENDPOINTS_TTL,
  DEFAULT_MAX_WAITING_CALLS,
  DEFAULT_OUTLIER_DETECTION,
  DEFAULT_POOL_SLOTS,
  DEFAULT_RETRY_BUDGET,
  RpcPool,
  type RpcPoolConfig,
} from "@protosocket/protosocket/rpc";
import { poolAndHosts } from "../../support/pool.ts";
import { body, type Message } from "../../support/rpc.ts";

type Config = RpcPoolConfig<Message, Message, unknown>;

function make(options: { [name in keyof Config]?: unknown }): RpcPool<Message, Message, unknown> {
  const config = { endpoints: ["a"], connect: () => Promise.reject("never"), ...options };
  return new RpcPool(config as Config);
}

test("numbers out of their range are RangeErrors", () => {
  const found = () => Promise.resolve(["a"]);
  const fractions = [1.5, NaN, Infinity, "4"];
  const wrong: [name: string, options: (value: unknown) => object, values: unknown[]][] = [
    ["slots", (slots) => ({ slots }), [0, -1, 65537]],
    [
      "connectionsPerEndpoint",
      (connectionsPerEndpoint) => ({ connectionsPerEndpoint }),
      [0, -1, 65537],
    ],
    [
      "maxConnectionsPerEndpoint",
      (most) => ({ maxConnectionsPerEndpoint: most, connectionsPerEndpoint: 3 }),
      [0, 2, 65537],
    ],
    ["subset.size", (size) => ({ subset: { size, client: 0 } }), [undefined, 0, -1, 65537]],
    ["subset.client", (client) => ({ subset: { size: 1, client } }), [-1, 0.5]],
    ["hashBalanceFactor", (factor) => ({ hashBalanceFactor: factor }), [1, 99, -1, 1_000_001]],
    ["slowStartWindow", (slowStartWindow) => ({ slowStartWindow }), [-1, 2 ** 31]],
    ["maxWaitingCalls", (maxWaitingCalls) => ({ maxWaitingCalls }), [-1, 2 ** 31]],
    ["retryBudget.minPerSecond", (min) => ({ retryBudget: { minPerSecond: min } }), [-1, 1e7]],
    ...Object.keys(DEFAULT_OUTLIER_DETECTION).map((
      name,
    ): [string, (value: unknown) => object, unknown[]] => [
      `outlierDetection.${name}`,
      (value) => ({ outlierDetection: { [name]: value } }),
      [-1, 2 ** 31],
    ]),
    ["connectTimeout", (connectTimeout) => ({ connectTimeout }), [0, -1, 2 ** 31]],
    ["endpointsTtl", (endpointsTtl) => ({ endpointsTtl, endpoints: found }), [0, -1, 2 ** 31]],
    ["idleTimeout", (idleTimeout) => ({ idleTimeout }), [0, -1, 2 ** 31]],
    ["timeout", (timeout) => ({ timeout }), [0, -1, 2 ** 31]],
    ["backoff.initial", (initial) => ({ backoff: { initial } }), [0, -1, 2 ** 31]],
    ["backoff.max", (max) => ({ backoff: { initial: 100, max } }), [0, 99, 2 ** 31]],
  ];
  for (const [name, options, values] of wrong) {
    // Any text will do as a client's name.
    for (const value of [...values, ...name === "subset.client" ? [] : fractions]) {
      assertThrows(() => make(options(value)), RangeError, name);
    }
  }
  for (const factor of [0, 0.99, -1, NaN, Infinity, "2"]) {
    assertThrows(() => make({ backoff: { factor } }), RangeError, "backoff.factor");
  }
  for (const ratio of [-0.1, 1.1, NaN, "0.5"]) {
    assertThrows(() => make({ retryBudget: { ratio } }), RangeError, "retryBudget.ratio");
  }
  assertThrows(() => make({ waitForReady: "yes" }), TypeError, "waitForReady");
  for (const endpoint of [{ weight: 0 }, { priority: 0.5 }]) {
    const [name] = Object.keys(endpoint);
    assertThrows(() => make({ endpoints: [endpoint] }), RangeError, `${name} of an endpoint`);
  }
  assertThrows(() => make({ endpoints: [{ zone: "" }] }), TypeError, "zone of an endpoint");
  for (const zone of ["", 7, null]) assertThrows(() => make({ zone }), TypeError, "zone");
  for (const maxZoneInFlight of [0, 1_000_001, NaN, "2"]) {
    assertThrows(() => make({ zone: "a", maxZoneInFlight }), RangeError, "maxZoneInFlight must be");
  }
  assertThrows(() => make({ maxZoneInFlight: 2 }), TypeError, "maxZoneInFlight is only for");
  for (const client of [undefined, "", true]) {
    assertThrows(() => make({ subset: { size: 1, client } }), TypeError, "subset.client");
  }
  for (const value of [true, 5, null, "no", []]) {
    assertThrows(() => make({ backoff: value }), TypeError, "backoff must be an object of options");
    assertThrows(() => make({ observer: value }), TypeError, "observer must be an object");
    assertThrows(() => make({ rpcObserver: value }), TypeError, "rpcObserver.onRpc must be");
    assertThrows(() => make({ subset: value }), TypeError, "subset must be");
    assertThrows(() => make({ retryBudget: value }), TypeError, "retryBudget must be");
    assertThrows(() => make({ outlierDetection: value }), TypeError, "outlierDetection must be");
  }
  assertThrows(() => make({ rpcObserver: {} }), TypeError, "rpcObserver.onRpc must be a function");
  for (const config of [undefined, null, 5]) {
    assertThrows(() => new RpcPool(config as never), TypeError, "config must have endpoints, not");
  }
  for (const jitter of [-0.1, 1.1, NaN, Infinity, "0"]) {
    assertThrows(() => make({ backoff: { jitter } }), RangeError, "backoff.jitter");
  }
});

test("numbers at the ends of their ranges are taken", async () => {
  for (const slots of [1, 65536]) assertEquals(make({ slots }).size, slots);
  for (const connectionsPerEndpoint of [1, 65536]) {
    assertEquals(make({ connectionsPerEndpoint, slots: 1 }).size, connectionsPerEndpoint);
    make({ connectionsPerEndpoint, maxConnectionsPerEndpoint: 65536 });
  }
  for (const factor of [0, 100, 1_000_000]) make({ hashBalanceFactor: factor });
  for (const ms of [0, 2 ** 31 - 1]) make({ slowStartWindow: ms, maxWaitingCalls: ms });
  for (const client of [0, 2 ** 53 - 1, "me"]) make({ subset: { size: 65536, client } });
  for (const ratio of [0, 1]) make({ retryBudget: { ratio, minPerSecond: ratio * 1_000_000 } });
  make({ retryBudget: false, outlierDetection: false });
  make({ outlierDetection: { consecutiveFailures: 0, failurePercentage: 0, interval: 1 } });
  make({ outlierDetection: { baseEjectionTime: 2 ** 31 - 1, interval: undefined } });
  for (const delay of [1, 2 ** 31 - 1]) {
    const backoff = { initial: delay, factor: delay, jitter: delay === 1 ? 0 : 1 };
    await make({ connectTimeout: delay, idleTimeout: delay, timeout: delay, backoff }).close();
    make({ endpointsTtl: delay, endpoints: () => Promise.resolve([]) });
    make({ backoff: { initial: delay, max: delay } });
  }
});

test("endpoints that are empty, duplicate or of the wrong type are errors", () => {
  assertThrows(() => make({ endpoints: [] }), RangeError, "endpoints must not be empty");
  for (const endpoints of [undefined, null, "a", 7, { a: 1 }, new Set(["a"])]) {
    assertThrows(() => make({ endpoints }), TypeError, "endpoints must be an array or a function");
  }
  assertThrows(() => make({ endpoints: ["a", "b", "a"] }), RangeError, "two have the key a");
  const twice = [{ port: 1 }, { port: 1 }];
  assertThrows(() => make({ endpoints: twice }), RangeError, "endpointKey");
  // What an endpoint says of itself beside its address does not tell it from others.
  const weights = [{ port: 1, weight: 1 }, { port: 1, weight: 2, zone: "a", priority: 3 }];
  assertThrows(() => make({ endpoints: weights }), RangeError, `two have the key {"port":1}`);
  // What JSON cannot tell apart, endpointKey can.
  class Opaque {
    readonly #name: string;
    constructor(name: string) {
      this.#name = name;
    }
    get name() {
      return this.#name;
    }
  }
  const opaque = [new Opaque("a"), new Opaque("b")];
  assertThrows(() => make({ endpoints: opaque }), RangeError, "endpointKey");
  make({ endpoints: opaque, endpointKey: ({ name }: Opaque) => name });
  for (const endpoint of [1n, undefined, () => {}]) {
    assertThrows(() => make({ endpoints: [endpoint] }), TypeError, "endpointKey");
  }
});

test("options that must be functions are checked with a TypeError", () => {
  for (const value of [undefined, null, "f", {}]) {
    assertThrows(() => make({ connect: value }), TypeError, "connect must be a function");
    if (value === undefined) continue;
    assertThrows(() => make({ endpointKey: value }), TypeError, "endpointKey must be a function");
    assertThrows(() => make({ random: value }), TypeError, "random must be a function");
  }
});

test("an endpointsTtl for a list is a TypeError: it would do nothing", () => {
  assertThrows(() => make({ endpointsTtl: 1000 }), TypeError, "endpointsTtl is only for");
});

test("a random number out of range counts as 0", async () => {
  for (const drawn of [-1, 1, 2, NaN, Infinity, "0.5", undefined]) {
    const random = () => drawn as number;
    const { pool, hosts } = poolAndHosts(2, { random, slots: 3 });
    for (let i = 0; i < 10; i++) await pool.unary(body("x"));
    assertEquals(hosts[0]!.tries + hosts[1]!.tries, 1);
    await pool.close();
  }
});

test("the caller's configuration is not changed", async () => {
  const endpoints = Object.freeze([Object.freeze({ port: 1 })]);
  const config = Object.freeze({ endpoints, connect: () => Promise.reject(new Error("no")) });
  const pool = new RpcPool<Message, Message, { readonly port: number }>(config);
  await pool.unary(body("x")).catch(() => {});
  await pool.close();
});

test("the defaults are what is documented", () => {
  assertEquals([DEFAULT_POOL_SLOTS, DEFAULT_CONNECT_TIMEOUT, DEFAULT_ENDPOINTS_TTL], [
    4,
    10_000,
    30_000,
  ]);
  assertEquals(DEFAULT_BACKOFF, { initial: 100, max: 10_000, factor: 2, jitter: 0.5 });
  assertEquals(make({}).size, 4);
  assertEquals([DEFAULT_MAX_WAITING_CALLS, DEFAULT_RETRY_BUDGET], [10_000, {
    ratio: 0.2,
    minPerSecond: 10,
  }]);
  assertEquals(DEFAULT_OUTLIER_DETECTION, {
    consecutiveFailures: 5,
    failurePercentage: 85,
    requestVolume: 50,
    interval: 10_000,
    baseEjectionTime: 30_000,
    maxEjectionTime: 300_000,
    maxEjectionPercent: 50,
  });
});
