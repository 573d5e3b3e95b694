// Weights, zones, priorities and slow start: how calls are spread over endpoints that differ.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { unavailable } from "../../../support/pool.ts";
import { pass } from "../../../support/pool.ts";
import {
  answers,
  connections,
  drawn,
  fleetOf,
  named,
  settle,
} from "../../../support/pool_places.ts";
import { quiet } from "../../../support/quiet.ts";
import { withSeeds } from "../../../support/random.ts";
import { body } from "../../../support/rpc.ts";
import { soon } from "../../../support/within.ts";

test("an endpoint gets calls as its weight says, idle or not", () =>
  withSeeds(4, async (random) => {
    const found = [{ name: "a", weight: 1 }, { name: "b", weight: 3 }];
    const fleet = fleetOf(found, { slots: 2, random: drawn(random) });
    await settle(fleet);
    const { a, b } = await answers(fleet, 800);
    assert(b! > 2 * a! && b! < 4.5 * a!, `${a} and ${b}`);

    // With calls in flight, the loads are as the weights.
    for (const host of fleet.hosts.values()) host.handler = () => new Promise(() => {});
    for (let i = 0; i < 80; i++) fleet.pool.unary(body("x")).catch(() => {});
    const [first, second] = await Promise.all([0, 1].map((key) => fleet.pool.client({ key })));
    const loads = [first!.inFlight, second!.inFlight].sort((a, b) => a - b);
    assert(Math.abs(loads[0]! - 20) <= 3, loads.join());
    await soon(fleet.pool.close(), "the end");
  }));

test("a weight that changes is of the same endpoint", async () => {
  const fleet = fleetOf([{ name: "a", weight: 1 }, { name: "b", weight: 1000 }], { slots: 2 });
  await settle(fleet);
  fleet.found = [{ name: "a", weight: 1000 }, { name: "b", weight: 1 }];
  await settle(fleet, 2);
  const { a = 0, b = 0 } = await answers(fleet, 200);
  assert(a > 20 * b, `${a} and ${b}`);
  assertEquals([...fleet.hosts.values()].map(({ tries }) => tries), [1, 1]);
  await soon(fleet.pool.close(), "the end");
});

test("endpoints with unequal connections get the same calls", async () => {
  // Five slots: one endpoint has two connections.
  const fleet = fleetOf(named("abcd"), { slots: 5 });
  await settle(fleet, 2);
  assertEquals(Object.values(connections(fleet)).sort(), [1, 1, 1, 2]);
  const counts = Object.values(await answers(fleet, 1200));
  assert(Math.max(...counts) < 1.4 * Math.min(...counts), counts.join());
  await soon(fleet.pool.close(), "the end");
});

test("the own zone takes all calls, and spills over as far as it is missing", async () => {
  const found = [...named("abcd", { zone: "here" }), ...named("wxyz", { zone: "there" })];
  const fleet = fleetOf(found, { zone: "here" });
  const local = (by: Record<string, number>) => [..."abcd"].reduce((n, a) => n + (by[a] ?? 0), 0);
  await settle(fleet);
  assertEquals(local(await answers(fleet, 200)), 200);
  assertEquals([..."wxyz"].map((name) => connections(fleet)[name]), [0, 0, 0, 0]);

  // Three of four can still be used: no spilling (5 of 7 are needed).
  fleet.hosts.get("a")!.down();
  await settle(fleet, 2);
  assertEquals(local(await answers(fleet, 200)), 200);

  // With one of four, 1.4 / 4 of the calls stay.
  fleet.hosts.get("b")!.down();
  fleet.hosts.get("c")!.down();
  await settle(fleet, 4);
  const by = await answers(fleet, 1000);
  assert(local(by) > 200 && local(by) < 500, JSON.stringify(by));
  assertEquals(fleet.pool.size, 8);

  for (const name of "abc") fleet.hosts.get(name)!.up();
  for (let i = 0; i < 6; i++) {
    pass(10_000);
    await settle(fleet, 2);
  }
  assertEquals(local(await answers(fleet, 200)), 200);
  // What is no longer needed is given up.
  assertEquals(fleet.pool.size, 4);
  await soon(fleet.pool.close(), "the end");
});

test("endpoints of a higher priority number are for when the others are away", async () => {
  const fleet = fleetOf([...named("ab", { priority: 1 }), ...named("yz", { priority: 2 })]);
  await settle(fleet);
  assertEquals(Object.keys(await answers(fleet, 100)).sort(), ["a", "b"]);
  for (const name of "ab") fleet.hosts.get(name)!.down();
  await quiet(() => fleet.pool.connected);
  await settle(fleet, 2);
  assertEquals(Object.keys(await answers(fleet, 100)).sort(), ["y", "z"]);
  await soon(fleet.pool.close(), "the end");
});

test("slowStartWindow: an endpoint that is new gets a tenth at first, and all in the end", async () => {
  const fleet = fleetOf(named("ab"), { slots: 3, slowStartWindow: 60_000 }, ["c"]);
  await settle(fleet);
  pass(60_000);
  await settle(fleet);
  fleet.found = named("abc");
  await settle(fleet, 2);
  assertEquals(connections(fleet).c, 1);
  const { c: few = 0 } = await answers(fleet, 900);
  assert(few > 0 && few < 120, `${few} of 900`);
  pass(30_000);
  await settle(fleet);
  const { c: more = 0 } = await answers(fleet, 900);
  assert(more > 120 && more < 250, `${more} of 900`);
  pass(30_000);
  await settle(fleet);
  const { c: all = 0 } = await answers(fleet, 900);
  assert(all > 220 && all < 380, `${all} of 900`);
  await soon(fleet.pool.close(), "the end");
});

test("what an endpoint says of itself is checked when it is found", async () => {
  for (
    const [traits, message] of [
      [{ weight: 0 }, "weight of an endpoint"],
      [{ weight: NaN }, "weight of an endpoint"],
      [{ priority: -1 }, "priority of an endpoint"],
      [{ priority: 65536 }, "priority of an endpoint"],
      [{ zone: "" }, "zone of an endpoint"],
    ] as const
  ) {
    const { pool } = fleetOf(named("a", traits));
    const error = await unavailable(pool.unary(body("x")));
    assert(error.message.includes(message), error.message);
    await pool.close();
  }
});
