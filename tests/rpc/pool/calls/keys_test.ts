// Text keys: the same endpoint in every process, and the next one while it cannot be used.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { bestOf, hashOf } from "../../../../src/rpc/pool/endpoints/_rendezvous.ts";
import { asked, bodyOf, pass } from "../../../support/pool.ts";
import {
  answers,
  connections,
  drawn,
  fleetOf,
  named,
  settle,
} from "../../../support/pool_places.ts";
import { quiet } from "../../../support/quiet.ts";
import { Random } from "../../../support/random.ts";
import { body } from "../../../support/rpc.ts";
import { soon } from "../../../support/within.ts";

const ranked = (keys: readonly string[], weight = 1) =>
  keys.map((key) => ({ key, hash: hashOf(key), weight }));
const nobody = () => false;
const KEYS = Array.from({ length: 20_000 }, (_, i) => `user ${i}`);

/** The endpoints of many keys. */
function places(of: ReturnType<typeof ranked>): string[] {
  return KEYS.map((key) => bestOf(of, hashOf(key), nobody)!.key);
}

function counts(of: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const name of of) found.set(name, (found.get(name) ?? 0) + 1);
  return found;
}

test("a key has the same endpoint in every process and on every runtime", () => {
  const of = ranked(["10.0.0.1:9000", "10.0.0.2:9000", "10.0.0.3:9000"]);
  const last = (key: string) => bestOf(of, hashOf(key), nobody)!.key.slice(5, 8);
  assertEquals(["", "a", "b", "user 1", "user 2", "käse", "🧀"].map(last), EXPECTED);
  assertEquals(hashOf("user 1"), HASH);
  // The order of the list does not matter.
  const turned = of.toReversed();
  for (const key of KEYS.slice(0, 500)) {
    assertEquals(bestOf(turned, hashOf(key), nobody), bestOf(of, hashOf(key), nobody));
  }
});

const EXPECTED = ["0.1", "0.3", "0.3", "0.3", "0.3", "0.1", "0.2"];
const HASH: readonly [number, number] = [2702225378, 1488187228];

test("keys are spread evenly, and similar names are not the same", () => {
  for (const count of [2, 3, 10, 100]) {
    const of = ranked(Array.from({ length: count }, (_, i) => `host-${i}`));
    const found = counts(places(of));
    const mean = KEYS.length / count;
    assertEquals(found.size, count);
    // Six times the deviation of throws of a die.
    const off = 6 * Math.sqrt(mean);
    for (const [name, keys] of found) assert(Math.abs(keys - mean) < off, `${name}: ${keys}`);
  }
});

test("when an endpoint goes, only its keys move, and to all others", () => {
  const of = ranked(Array.from({ length: 20 }, (_, i) => `host-${i}`));
  const before = places(of);
  const after = places(of.toSpliced(7, 1));
  const moved = before.flatMap((name, i) => name === after[i] ? [] : [[name, after[i]!]]);
  assert(moved.every(([from]) => from === "host-7"));
  assertEquals(new Set(moved.map(([, to]) => to)).size, 19);
});

test("endpoints get keys as their weights say, and a new weight moves few", () => {
  const light = ranked(["a", "b", "c"]);
  const heavy = [...ranked(["a", "b"]), ...ranked(["c"], 2)];
  const before = places(light);
  const after = places(heavy);
  const c = counts(after).get("c")!;
  assert(Math.abs(c - KEYS.length / 2) < 6 * Math.sqrt(KEYS.length / 4), `${c}`);
  // Nothing moves but to the one that is heavier now.
  for (const [i, name] of after.entries()) assert(name === before[i] || name === "c");
});

test("all pools send a key to the same endpoint, whatever they draw and have", async () => {
  const fleets = [0, 1, 2].map((seed) =>
    fleetOf(named("abcdefgh"), {
      random: drawn(new Random(seed)),
      ...(seed === 1 && { subset: { size: 3, client: 5 } }),
      ...(seed === 2 && { slots: 1 }),
    })
  );
  for (const key of KEYS.slice(0, 40)) {
    const found = new Set<unknown>();
    for (const { pool } of fleets) found.add(await bodyOf(pool.unary(body("x"), { key })));
    assertEquals(found.size, 1, key);
  }
  // Connections beside the subset are there for keys only.
  assertEquals(Object.keys(await answers(fleets[1]!, 100)).length <= 3, true);
  for (const { pool } of fleets) await soon(pool.close(), "the end");
});

test("while a key's endpoint is away, its calls go to the next, and come back", async () => {
  const fleet = fleetOf(named("abcd"), { backoff: { initial: 100, max: 1000, jitter: 0 } });
  await settle(fleet);
  const key = () => "user 1";
  const [home] = Object.keys(await answers(fleet, 5, key));
  const host = fleet.hosts.get(home!)!;
  pass(1000);
  host.down();
  await quiet(() => fleet.pool.connected);
  const [next, ...others] = Object.keys(await answers(fleet, 20, key));
  assert(next !== home && others.length === 0);
  // Another pool agrees on the next one, too.
  const other = fleetOf(named("abcd"));
  other.hosts.get(home!)!.down();
  assertEquals(await bodyOf(other.pool.unary(body("x"), { key: key() })), next);

  // Other keys stay where they were.
  host.up();
  pass(1001);
  await answers(fleet, 1, key);
  await quiet(() => fleet.pool.connected);
  assertEquals(await answers(fleet, 10, key), { [home!]: 10 });
  for (const { pool } of [fleet, other]) await soon(pool.close(), "the end");
});

test("a call with a key whose endpoint hangs at the connect goes to the next", async () => {
  const fleet = fleetOf(named("abcd"));
  const reference = fleetOf(named("abcd"));
  const home = await bodyOf(reference.pool.unary(body("x"), { key: "user 2" })) as string;
  fleet.hosts.get(home)!.hold();
  const got = await bodyOf(fleet.pool.unary(body("x"), { key: "user 2" }));
  assert(got !== home);
  // And it is not waited for again.
  for (let i = 0; i < 5; i++) {
    const call = fleet.pool.unary(body("x"), { key: "user 2" });
    assertEquals(fleet.pool.waiting, 0);
    assertEquals(await bodyOf(call), got);
  }
  fleet.hosts.get(home)!.release();
  for (const { pool } of [fleet, reference]) await soon(pool.close(), "the end");
});

test("a retry of a call with a key goes to the key's next endpoint", async () => {
  const fleet = fleetOf(named("abcd"));
  await settle(fleet);
  const next = asked(...fleet.hosts.values());
  const call = fleet.pool.unary(body("x"), { key: "user 3", idempotent: true });
  const first = await next();
  first.host.breakAll();
  const second = await next();
  assert(first.host !== second.host);
  second.answer("again");
  assertEquals(await bodyOf(call), "again");
  await soon(fleet.pool.close(), "the end");
});

test("a retry of a call with a key leaves the endpoint, though it has another connection", async () => {
  const fleet = fleetOf(named("abcd"), { connectionsPerEndpoint: 2 });
  await settle(fleet);
  const next = asked(...fleet.hosts.values());
  const call = fleet.pool.unary(body("x"), { key: "user 3", idempotent: true });
  const first = await next();
  const clients = await Promise.all([...Array(8).keys()].map((key) => fleet.pool.client({ key })));
  clients.find(({ inFlight }) => inFlight === 1)!.abort();
  const second = await next();
  assert(first.host !== second.host);
  second.answer("again");
  assertEquals(await bodyOf(call), "again");
  await soon(fleet.pool.close(), "the end");
});

test("hashBalanceFactor: a key's endpoint takes so much more than the average, and no more", async () => {
  for (const [hashBalanceFactor, most] of [[0, 100], [150, 38], [100, 25]] as const) {
    const fleet = fleetOf(named("abcd"), { hashBalanceFactor });
    await settle(fleet);
    const by = new Map<string, number>();
    for (const host of fleet.hosts.values()) {
      host.handler = () => {
        by.set(host.name, (by.get(host.name) ?? 0) + 1);
        return new Promise(() => {});
      };
    }
    for (let i = 0; i < 100; i++) {
      fleet.pool.unary(body("x"), { key: "one for all" }).catch(() => {});
    }
    await quiet(() => [...by.values()].reduce((a, b) => a + b, 0));
    assertEquals([...by.values()].reduce((a, b) => a + b), 100);
    assertEquals(Math.max(...by.values()), most);
    await soon(fleet.pool.close(), "the end");
  }
});

test("connections that only keys need are closed when no call has used them for long", async () => {
  const fleet = fleetOf(named("abcdefgh"), { slots: 1, subset: { size: 1, client: 0 } });
  await answers(fleet, 60, (i) => `${i}`);
  const all = Object.values(connections(fleet)).filter((count) => count > 0).length;
  assert(all >= 6, `${all} endpoints`);
  for (let i = 0; i < 3; i++) {
    pass(60_001);
    await settle(fleet);
  }
  const left = () => Object.values(connections(fleet)).reduce((a, b) => a + b);
  await quiet(left);
  assertEquals(left(), 1);
  await soon(fleet.pool.close(), "the end");
});
