// What limits a wait, and what is left of it.
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { bounded, limited } from "../../src/waits/bounded.ts";
import { countedSignal } from "../support/counted_signal.ts";
import { deferred, soon } from "../support/within.ts";

const NEVER = new Promise<never>(() => {});

test("a wait ends as its promise does, and leaves no listener", async () => {
  const { signal, listeners } = countedSignal();
  const limits = { signals: [undefined, signal], timeout: 2 ** 31 - 1 };
  const { promise, resolve } = deferred<string>();
  const waiting = limited(promise, limits);
  assertEquals(listeners.size, 1);
  resolve("done");
  assertEquals(await waiting, "done");
  await assertRejects(() => limited(Promise.reject(new Error("no")), limits), Error, "no");
  assertEquals(await bounded(() => Promise.resolve(1), limits), 1);
  assertEquals(listeners.size, 0);
});

test("a signal ends a wait with its reason, or with the error that is made for it", async () => {
  const { controller, listeners } = countedSignal();
  const signals = [controller.signal];
  const aborted = ({ reason }: AbortSignal) => new Error(`for ${reason}`);
  const waits = [
    limited(NEVER, { signals }),
    limited(NEVER, { signals, aborted }),
    bounded(() => NEVER, { signals }),
  ].map((wait) => wait.then(() => "?", String));
  controller.abort("good");
  assertEquals(await soon(Promise.all(waits), "the ends"), ["good", "Error: for good", "good"]);
  assertEquals(listeners.size, 0);
  // One that has fired before ends it at once, and no work begins.
  let begun = false;
  const late = [
    limited(NEVER, { signals, aborted }),
    bounded(() => (begun = true, NEVER), { signals }),
  ].map((wait) => wait.then(() => "?", String));
  assertEquals(await soon(Promise.all(late), "the ends"), ["Error: for good", "good"]);
  assertEquals(begun, false);
});

test("a timeout ends a wait, and the signal of the work", async () => {
  const timedOut = () => new Error("too long");
  const limits = { signals: [], timeout: 1, timedOut };
  await assertRejects(() => soon(limited(NEVER, limits), "the end"), Error, "too long");
  const told = deferred<unknown>();
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => told.resolve(signal.reason));
    return NEVER;
  };
  await assertRejects(() => soon(bounded(work, limits), "the end"), Error, "too long");
  assertEquals(String(await soon(told.promise, "the signal")), "Error: too long");
});

test("a result that comes too late is handed over, and a late error is nobody's", async () => {
  const came = deferred<string>();
  const { promise, resolve } = deferred<string>();
  const limits = { signals: [], timeout: 1, timedOut: () => new Error("too long") };
  await assertRejects(() => bounded(() => promise, { ...limits, late: came.resolve }));
  resolve("late");
  assertEquals(await soon(came.promise, "the late result"), "late");
  const fails = deferred<never>();
  await assertRejects(() => bounded(() => fails.promise, limits), Error, "too long");
  fails.reject(new Error("late"));
  await assertRejects(
    () =>
      bounded(() => {
        throw new Error("thrown");
      }, limits),
    Error,
    "thrown",
  );
});
