// Endpoints whose calls fail are left out for a time, and never too many of them.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Outliers, untried, type Watched } from "../../../../src/rpc/pool/endpoints/_outliers.ts";
import { DEFAULT_OUTLIER_DETECTION, refused } from "@protosocket/protosocket/rpc";
import { bodyOf, type Host, pass, poolAndHosts, type PoolOptions } from "../../../support/pool.ts";
import { body, rpcError } from "../../../support/rpc.ts";
import { outcome, soon } from "../../../support/within.ts";

/** Places, and which of them were ejected for how long. */
function watched(count: number, options: Partial<typeof DEFAULT_OUTLIER_DETECTION> = {}) {
  const places: Watched[] = Array.from({ length: count }, () => ({ health: untried() }));
  const ejected: [at: number, ms: number][] = [];
  const outliers = new Outliers<Watched>(
    { ...DEFAULT_OUTLIER_DETECTION, ...options },
    (place, ms) => ejected.push([places.indexOf(place), ms]),
  );
  const fail = (at: number, times: number, now: number) => {
    for (let i = 0; i < times; i++) outliers.failed(places[at]!, places, now);
  };
  return { places, ejected, outliers, fail };
}

test("so many failures in a row eject, and a success between begins anew", () => {
  const { outliers, places, fail, ejected } = watched(4, { consecutiveFailures: 3 });
  fail(0, 2, 0);
  outliers.succeeded(places[0]!);
  fail(0, 2, 0);
  assertEquals(ejected, []);
  fail(0, 1, 0);
  assertEquals(ejected, [[0, 30_000]]);
  // While it is out, what is still in flight there does not count again.
  fail(0, 10, 1000);
  assertEquals(ejected.length, 1);
  // Nor when it is back.
  fail(0, 2, 30_000);
  assertEquals(ejected.length, 1);
  fail(0, 1, 30_000);
  assertEquals(ejected.length, 2);
  // Refusals do not count here.
  for (let i = 0; i < 100; i++) outliers.refused(places[1]!);
  assertEquals(ejected.length, 2);
});

test("each time is longer, up to the longest, and shorter again after good intervals", () => {
  const { outliers, places, fail, ejected } = watched(4, { maxEjectionTime: 70_000 });
  let now = 0;
  for (let i = 0; i < 4; i++) {
    fail(0, 5, now);
    now += ejected.at(-1)![1];
  }
  assertEquals(ejected.map(([, ms]) => ms), [30_000, 60_000, 70_000, 70_000]);
  for (let i = 0; i < 4; i++) outliers.look(places, now += 10_001);
  fail(0, 5, now);
  assertEquals(ejected.at(-1), [0, 30_000]);
});

test("never more than maxEjectionPercent, but always one, and never all", () => {
  for (
    const [count, maxEjectionPercent, most] of [
      [10, 50, 5],
      [10, 10, 1],
      [10, 1, 1],
      [10, 100, 9],
      [3, 50, 1],
      [2, 50, 1],
      [1, 100, 0],
    ] as const
  ) {
    const { fail, ejected } = watched(count, { maxEjectionPercent });
    for (let at = 0; at < count; at++) fail(at, 5, 0);
    assertEquals(ejected.length, most, `${count} endpoints, ${maxEjectionPercent} %`);
  }
});

test("a share of failures ejects, if there were enough calls and the others are better", () => {
  const calls = (
    { outliers, places }: ReturnType<typeof watched>,
    at: number,
    good: number,
    bad: number,
  ) => {
    for (let i = 0; i < good; i++) outliers.succeeded(places[at]!);
    for (let i = 0; i < bad; i++) outliers.refused(places[at]!);
  };
  for (
    const [good, bad, elsewhere, out] of [
      [5, 95, 0, true],
      [15, 85, 0, true],
      [16, 84, 0, false],
      [0, 49, 0, false],
      [5, 95, 40, true],
      [5, 95, 60, false],
    ] as const
  ) {
    const made = watched(4);
    made.outliers.look(made.places, 0);
    calls(made, 0, good, bad);
    for (const at of [1, 2, 3]) calls(made, at, 100 - elsewhere, elsewhere);
    made.outliers.look(made.places, 9999);
    assertEquals(made.ejected, [], "before the end of the interval");
    made.outliers.look(made.places, 10_000);
    assertEquals(made.ejected.length > 0, out, `${bad} of ${good + bad}, ${elsewhere} elsewhere`);
    // The next interval begins anew.
    made.outliers.look(made.places, 60_000);
    assertEquals(made.ejected.length > 1, false);
  }
});

test("what is switched off never ejects", () => {
  const { outliers, places, fail, ejected } = watched(4, {
    consecutiveFailures: 0,
    failurePercentage: 0,
  });
  outliers.look(places, 0);
  fail(0, 1000, 0);
  outliers.look(places, 10_000);
  assertEquals(ejected, []);
  const off = new Outliers<Watched>(undefined, () => ejected.push([0, 0]));
  for (let i = 0; i < 1000; i++) off.failed(places[1]!, places, 0);
  off.look(places, 10_000);
  assertEquals(ejected, []);
});

/** A pool of four hosts, of which one never answers. */
async function oneHangs(options: PoolOptions = {}) {
  const made = poolAndHosts(4, { outlierDetection: { consecutiveFailures: 3 }, ...options });
  await Promise.all([0, 1, 2, 3].map((key) => made.pool.client({ key })));
  pass(1001);
  const [a] = made.hosts as [Host];
  a.handler = () => new Promise(() => {});
  const timeOuts = async (calls: number) => {
    let failed = 0;
    for (let i = 0; i < calls; i++) {
      // What is held against a server for a while is forgotten.
      pass(1001);
      const end = await outcome(made.pool.unary(body("x"), { timeout: 10 }));
      if (end.kind === "value") continue;
      await rpcError(Promise.resolve(end), "deadline-exceeded");
      failed++;
    }
    return failed;
  };
  const ejections = () => made.events.filter(([what]) => what === "ejected");
  return { ...made, a, timeOuts, ejections };
}

test("a server that hangs is left out, and tried again after its time", async () => {
  const { pool, a, hosts, timeOuts, ejections } = await oneHangs();
  for (let i = 0; ejections().length === 0; i++) {
    assert(i < 500, "it is never ejected");
    await timeOuts(1);
  }
  assertEquals(ejections(), [["ejected", "a", 30_000]]);
  // Its connection is there, and no call goes there any more.
  let asked = 0;
  a.handler = () => (asked++, body("a"));
  for (let i = 0; i < 100; i++) assert(await bodyOf(pool.unary(body("x"))) !== "a");
  assertEquals([asked, hosts[0]!.connections.size], [0, 1]);
  pass(30_001);
  for (let i = 0; i < 100; i++) await bodyOf(pool.unary(body("x")));
  assert(asked > 5, `${asked} calls`);
  await soon(pool.close(), "the end");
});

test("calls with a key go to the next endpoint meanwhile", async () => {
  const { pool, timeOuts, ejections } = await oneHangs();
  while (ejections().length === 0) await timeOuts(1);
  for (let i = 0; i < 40; i++) assert(await bodyOf(pool.unary(body("x"), { key: `${i}` })) !== "a");
  await soon(pool.close(), "the end");
});

test("outlierDetection: false goes on calling", async () => {
  const { pool, timeOuts, ejections } = await oneHangs({ outlierDetection: false });
  let failed = 0;
  while (failed < 8) failed += await timeOuts(1);
  assertEquals(ejections(), []);
  await soon(pool.close(), "the end");
});

test("refusals of one server eject it, and refusals of all eject none", async () => {
  for (const all of [false, true]) {
    const { pool, hosts, events } = poolAndHosts(4, {
      outlierDetection: { requestVolume: 10, interval: 1000 },
    });
    await Promise.all([0, 1, 2, 3].map((key) => pool.client({ key })));
    for (const host of all ? hosts : hosts.slice(0, 1)) host.handler = () => refused;
    for (let second = 0; second < 5; second++) {
      pass(1001);
      // As each refusal counts as load for a while, few calls go there.
      for (let i = 0; i < 400; i++) await outcome(pool.unary(body("x"), { key: i % 4 }));
    }
    const ejected = events.flatMap(([what, who]) => what === "ejected" ? [who] : []);
    assertEquals(ejected, all ? [] : ["a"]);
    await soon(pool.close(), "the end");
  }
});

test("a connection that is lost counts once, whatever was in flight on it", async () => {
  const { pool, hosts, events } = poolAndHosts(4, { outlierDetection: { consecutiveFailures: 2 } });
  await Promise.all([0, 1, 2, 3].map((key) => pool.client({ key })));
  pass(1001);
  const [a] = hosts as [Host];
  for (const host of hosts) host.handler = () => new Promise(() => {});
  const calls = Array.from({ length: 40 }, () => outcome(pool.unary(body("x"))));
  await pool.client();
  a.breakAll();
  await a.until(() => a.connections.size === 0, "the end of the connection");
  await soon(pool.close(), "the end");
  await Promise.all(calls);
  assertEquals(events.filter(([what]) => what === "ejected"), []);
});

test("connections that a server loses together are one failure: it may only have restarted", async () => {
  const { pool, hosts, events } = poolAndHosts(2, {
    slots: 12,
    outlierDetection: { consecutiveFailures: 2 },
  });
  const [a] = hosts as [Host];
  const connected = async () => {
    await Promise.all(Array.from({ length: 12 }, (_, key) => pool.client({ key })));
    await a.until(() => a.connections.size >= 4, "connections");
  };
  const ejections = () => events.filter(([what]) => what === "ejected").length;
  await connected();
  a.breakAll();
  await a.until(() => a.connections.size === 0, "the ends");
  pass(1001);
  await connected();
  assertEquals(ejections(), 0);
  // Once more without an answer in between.
  a.breakAll();
  await a.until(() => a.connections.size === 0, "the ends");
  await pool.client();
  assertEquals(ejections(), 1);
  await soon(pool.close(), "the end");
});
