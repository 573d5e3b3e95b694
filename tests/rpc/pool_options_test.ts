// What wrong values do: each is an error with the option's name, before anything is connected.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  DEFAULT_BACKOFF,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_ENDPOINTS_TTL,
  DEFAULT_POOL_SLOTS,
  RpcPool,
  type RpcPoolConfig,
} from "@protosocket/protosocket/rpc";
import { poolAndHosts } from "../support/pool.ts";
import { body, type Message } from "../support/rpc.ts";

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
    ["connectTimeout", (connectTimeout) => ({ connectTimeout }), [0, -1, 2 ** 31]],
    ["endpointsTtl", (endpointsTtl) => ({ endpointsTtl, endpoints: found }), [0, -1, 2 ** 31]],
    ["idleTimeout", (idleTimeout) => ({ idleTimeout }), [0, -1, 2 ** 31]],
    ["timeout", (timeout) => ({ timeout }), [0, -1, 2 ** 31]],
    ["backoff.initial", (initial) => ({ backoff: { initial } }), [0, -1, 2 ** 31]],
    ["backoff.max", (max) => ({ backoff: { initial: 100, max } }), [0, 99, 2 ** 31]],
  ];
  for (const [name, options, values] of wrong) {
    for (const value of [...values, ...fractions]) {
      assertThrows(() => make(options(value)), RangeError, name);
    }
  }
  for (const factor of [0, 0.99, -1, NaN, Infinity, "2"]) {
    assertThrows(() => make({ backoff: { factor } }), RangeError, "backoff.factor");
  }
  for (const jitter of [-0.1, 1.1, NaN, Infinity, "0"]) {
    assertThrows(() => make({ backoff: { jitter } }), RangeError, "backoff.jitter");
  }
});

test("numbers at the ends of their ranges are taken", async () => {
  for (const slots of [1, 65536]) assertEquals(make({ slots }).size, slots);
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
});
