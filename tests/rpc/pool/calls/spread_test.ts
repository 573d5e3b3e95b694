// Many endpoints: each gets connections, new ones soon, vanished ones no more; and subsets.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { hashOf, subsetOf } from "../../../../src/rpc/pool/endpoints/_rendezvous.ts";
import { asked, bodyOf } from "../../../support/pool.ts";
import {
  answers,
  connections,
  drawn,
  fleetOf,
  named,
  settle,
} from "../../../support/pool_places.ts";
import { quiet } from "../../../support/quiet.ts";
import { Random, withSeeds } from "../../../support/random.ts";
import { body } from "../../../support/rpc.ts";
import { soon, until } from "../../../support/within.ts";

test("each of eight endpoints gets a connection, and its part of the calls", () =>
  withSeeds(5, async (random) => {
    const fleet = fleetOf(named("abcdefgh"), { random: drawn(random) });
    await settle(fleet);
    assertEquals(Object.values(connections(fleet)), Array(8).fill(1));
    assertEquals([fleet.pool.size, fleet.pool.connected], [8, 8]);
    const counts = Object.values(await answers(fleet, 800));
    assertEquals(counts.length, 8);
    assert(Math.max(...counts) < 160, counts.join());
    await soon(fleet.pool.close(), "the end");
  }));

test("one endpoint gets all slots, and connectionsPerEndpoint asks for more", async () => {
  for (
    const [names, options, size, each] of [
      ["a", {}, 4, 4],
      ["a", { slots: 1, connectionsPerEndpoint: 3 }, 3, 3],
      ["abc", { connectionsPerEndpoint: 2 }, 6, 2],
      ["ab", {}, 4, 2],
    ] as const
  ) {
    const fleet = fleetOf(named(names), options);
    await settle(fleet);
    assertEquals(fleet.pool.size, size);
    assertEquals(Object.values(connections(fleet)), Array(names.length).fill(each));
    await soon(fleet.pool.close(), "the end");
  }
});

test("while others are away, an endpoint gets maxConnectionsPerEndpoint and no more", async () => {
  for (const [options, most] of [[{}, 4], [{ maxConnectionsPerEndpoint: 2 }, 2]] as const) {
    const fleet = fleetOf(named("abcdefgh"), options);
    for (const [name, host] of fleet.hosts) if (name !== "c") host.down();
    await settle(fleet, 2);
    assertEquals([connections(fleet).c, fleet.pool.connected], [most, most]);
    await soon(fleet.pool.close(), "the end");
  }
});

test("new endpoints get their connections and calls at the next look", async () => {
  const fleet = fleetOf(named("abcd"), {}, ["e", "f", "g", "h"]);
  await settle(fleet);
  fleet.found = named("abcdefgh");
  await settle(fleet, 2);
  assertEquals(Object.values(connections(fleet)), Array(8).fill(1));
  assertEquals(Object.keys(await answers(fleet, 400)).length, 8);
  await soon(fleet.pool.close(), "the end");
});

test("endpoints that are no longer found are left, and calls in flight finish there", async () => {
  const fleet = fleetOf(named("abcdef"));
  await settle(fleet);
  const gone = ["a", "b", "c"].map((name) => fleet.hosts.get(name)!);
  const next = asked(...gone);
  // A few for each slot that there is: some go to those that will vanish.
  const calls = Array.from({ length: 60 }, () => fleet.pool.unary(body("x")));
  await quiet(() => fleet.pool.inFlight);
  const { inFlight } = fleet.pool;
  assert(inFlight >= 20, `${inFlight} calls are in flight`);
  for (const host of gone) host.handler = () => body(host.name);
  fleet.found = named("def");
  await settle(fleet, 2);
  assertEquals(Object.keys(await answers(fleet, 100)).sort(), ["d", "e", "f"]);
  // At most `slots` are left, and the connections of calls in flight.
  assertEquals([fleet.pool.size, fleet.pool.inFlight], [4, inFlight]);
  for (let i = 0; i < inFlight; i++) (await next()).answer("at last");
  const bodies = await soon(Promise.all(calls.map(bodyOf)), "all calls");
  assertEquals(bodies.filter((body) => body === "at last").length, inFlight);
  for (const host of gone) await host.until(() => host.connections.size === 0, "the end");
  await soon(fleet.pool.close(), "the end");
});

test("a pool whose endpoints have all changed moves, and no call fails", async () => {
  const fleet = fleetOf(named("ab"), {}, ["c", "d"]);
  await settle(fleet);
  fleet.found = named("cd");
  await settle(fleet, 2);
  assertEquals(Object.keys(await answers(fleet, 50)).sort(), ["c", "d"]);
  await until(
    () => connections(fleet).a === 0 && connections(fleet).b === 0,
    () => "a, b are left",
  );
  assertEquals([connections(fleet).c, connections(fleet).d], [2, 2]);
  await soon(fleet.pool.close(), "the end");
});

test("what is connected stays while nothing that is found can be connected to", async () => {
  const fleet = fleetOf(named("a"), { slots: 2 }, ["b"]);
  await settle(fleet);
  fleet.hosts.get("b")!.down();
  fleet.found = named("b");
  await settle(fleet, 3);
  assertEquals(await bodyOf(fleet.pool.unary(body("x"))), "a");
  await soon(fleet.pool.close(), "the end");
});

test("when many slots are uneven, a tenth of them is moved at once", async () => {
  const fleet = fleetOf(named("ab"), { slots: 40 });
  fleet.hosts.get("a")!.down();
  await Promise.all(Array.from({ length: 40 }, (_, key) => fleet.pool.client({ key })));
  assertEquals(connections(fleet), { a: 0, b: 40 });
  fleet.hosts.get("a")!.up();
  await settle(fleet, 12);
  await until(() => connections(fleet).b === 20, () => "both have the same");
  assertEquals(connections(fleet), { a: 20, b: 20 });
  await soon(fleet.pool.close(), "the end");
});

test("subset: a pool connects to so many endpoints, the same each time", async () => {
  const names = "abcdefghijklmnop";
  const seen: string[] = [];
  for (const client of [0, 0, 1, "pod-1", "pod-1", "pod-2"]) {
    const fleet = fleetOf(named(names), { subset: { size: 5, client } });
    await settle(fleet);
    const there = Object.entries(connections(fleet)).filter(([, count]) => count > 0);
    assertEquals([there.length, fleet.pool.size], [5, 5]);
    seen.push(there.map(([name]) => name).join(""));
    await soon(fleet.pool.close(), "the end");
  }
  assertEquals([seen[0], seen[3]], [seen[1], seen[4]]);
  assert(seen[0] !== seen[2] && seen[3] !== seen[5], seen.join());
});

test("subset: if all of it is away, others are used", async () => {
  const fleet = fleetOf(named("abcdefgh"), { subset: { size: 2, client: 7 } });
  await settle(fleet);
  for (const host of fleet.hosts.values()) if (host.connections.size > 0) host.down();
  await quiet(() => fleet.pool.connected);
  const by = await answers(fleet, 50);
  assert(Object.keys(by).length > 0);
  await soon(fleet.pool.close(), "the end");
});

const ranked = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: `10.0.${i >> 8}.${i & 255}:9000`,
    hash: hashOf(`10.0.${i >> 8}.${i & 255}:9000`),
    weight: 1,
  }));

test("subsets of clients that are numbered load all endpoints evenly", () => {
  for (
    const [endpoints, clients, size] of [[1000, 200, 20], [100, 37, 10], [30, 500, 7]] as const
  ) {
    const all = ranked(endpoints);
    const loads = new Map(all.map(({ key }) => [key, 0]));
    for (let client = 0; client < clients; client++) {
      const subset = subsetOf(all, size, client);
      assertEquals(new Set(subset.map(({ key }) => key)).size, size);
      for (const { key } of subset) loads.set(key, loads.get(key)! + 1);
    }
    const mean = clients * size / endpoints;
    const most = Math.max(...loads.values());
    assert(most <= Math.ceil(mean) + 3, `${most} clients of one endpoint, ${mean} on average`);
    assert(Math.min(...loads.values()) >= Math.floor(mean) - 3);
  }
});

test("when one endpoint goes, subsets change by few", () => {
  const all = ranked(1000);
  let moved = 0;
  for (let client = 0; client < 200; client++) {
    const before = new Set(subsetOf(all, 20, client));
    const random = new Random(client);
    const without = all.toSpliced(random.below(1000), 1);
    for (const one of subsetOf(without, 20, client)) if (!before.has(one)) moved++;
  }
  // Half of one each, on average.
  assert(moved <= 200, `${moved} of 4000 connections`);
});
