// Several places are tried until one connects.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type ConnectRace, raceToConnect } from "../../../../src/rpc/pool/_connect_race.ts";
import { countTimers } from "../../../support/count_timers.ts";
import { type Deferred, deferred, soon, turn } from "../../../support/within.ts";

/** A race whose connects a test settles. */
function race(places: string[], options: Partial<ConnectRace<string, string>> = {}) {
  const tries = new Map<string, Deferred<string> & { signal: AbortSignal }>();
  const discarded: string[] = [];
  let changed = deferred();
  const stop = new AbortController();
  const result = raceToConnect<string, string>({
    next: (tried) => places.find((place) => !tried.has(place)),
    connect(place, signal) {
      const settle = deferred<string>();
      tries.set(place, { ...settle, signal });
      changed.resolve();
      return settle.promise;
    },
    renewed: () => undefined,
    discard: (connection) => discarded.push(connection),
    signal: stop.signal,
    ...options,
  });
  const tried = async (place: string) => {
    while (!tries.has(place)) {
      await soon(changed.promise, `a try of ${place}`);
      changed = deferred();
    }
    return tries.get(place)!;
  };
  return { result: soon(result, "the end of the race"), tries, tried, discarded, stop };
}

test("the first that connects is the result, and no other is tried", async () => {
  const { result, tries, tried } = race(["a", "b"]);
  (await tried("a")).resolve("A");
  assertEquals(await result, { kind: "connected", connection: "A" });
  assertEquals([...tries.keys()], ["a"]);
});

test("when one has failed the next is tried at once", async () => {
  const { result, tries, tried } = race(["a", "b", "c"]);
  (await tried("a")).reject("no A");
  const b = await tried("b");
  assertEquals([...tries.keys()], ["a", "b"]);
  b.resolve("B");
  assertEquals(await result, { kind: "connected", connection: "B" });
});

test("when all have failed, the last error is the result", async () => {
  const { result, tried } = race(["a", "b"]);
  (await tried("a")).reject("no A");
  (await tried("b")).reject("no B");
  assertEquals(await result, { kind: "failed", error: "no B" });
});

test("with nothing to try it fails at once, without an error", async () => {
  assertEquals(await race([]).result, { kind: "failed", error: undefined });
});

test("beside a slow place the next is tried, and the loser is discarded", async () => {
  const { result, tried, discarded } = race(["a", "b"]);
  const a = await tried("a");
  const b = await tried("b");
  assertEquals([a.signal.aborted, b.signal.aborted], [false, false]);
  b.resolve("B");
  a.resolve("A");
  assertEquals(await result, { kind: "connected", connection: "B" });
  assert(a.signal.aborted);
  await turn();
  assertEquals(discarded, ["A"]);
});

test("the slow one may still win, and a failure of the other changes nothing", async () => {
  const { result, tried } = race(["a", "b"]);
  const a = await tried("a");
  (await tried("b")).reject("no B");
  await turn();
  a.resolve("A");
  assertEquals(await result, { kind: "connected", connection: "A" });
});

test("it waits for other places if any are expected, at most twice", async () => {
  const places = ["a"];
  let renewals = 0;
  const { result, tries, tried } = race(places, {
    renewed: () => {
      places.push(`b${++renewals}`);
      return Promise.resolve();
    },
  });
  for (const place of ["a", "b1", "b2"]) (await tried(place)).reject(`no ${place}`);
  assertEquals(await result, { kind: "failed", error: "no b2" });
  assertEquals([renewals, tries.size], [2, 3]);
});

test("its signal ends it, whatever the connects do", async () => {
  const { result, tried, stop, discarded } = race(["a"]);
  const a = await tried("a");
  stop.abort("enough");
  assertEquals(await result, { kind: "failed", error: "enough" });
  assert(a.signal.aborted);
  a.resolve("A");
  await turn();
  assertEquals(discarded, ["A"]);

  const before = new AbortController();
  before.abort("before");
  const never = race(["a"], { signal: before.signal });
  assertEquals(await never.result, { kind: "failed", error: "before" });
  assertEquals(never.tries.size, 0);
});

test("it leaves no timer behind", async () => {
  const { left } = await countTimers(async () => {
    for (const end of ["connected", "failed", "stopped"]) {
      const { result, tried, stop } = race(["a", "b"]);
      const a = await tried("a");
      if (end === "stopped") stop.abort();
      else if (end === "connected") a.resolve("A");
      else {
        a.reject("no A");
        (await tried("b")).reject("no B");
      }
      await result;
    }
  });
  assertEquals(left, []);
});
