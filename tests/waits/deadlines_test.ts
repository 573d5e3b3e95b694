// One timer for all deadlines, and none when there are none.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Deadline, Deadlines } from "../../src/waits/deadlines.ts";
import { VirtualClock } from "../simulator/clock.ts";

/** What is done in virtual time: the timers that are left, and who was told when. */
interface World {
  readonly clock: VirtualClock;
  readonly told: [who: string, at: number][];
  readonly deadlines: Deadlines<string>;
  /** Lets so much time pass, all of it if that is left out. */
  pass(ms?: number): Promise<void>;
}

/** Runs a test on a clock that only timers move on. */
function virtual(
  what: string,
  body: (world: World) => Promise<void>,
  { afterPoll = false, onDue = (_who: string, _world: World) => {} } = {},
): void {
  test(`deadlines: ${what}`, async () => {
    const clock = new VirtualClock();
    const restore = clock.install(() => 0.5);
    const told: World["told"] = [];
    try {
      const deadlines = new Deadlines<string>((who) => {
        told.push([who, clock.now]);
        onDue(who, world);
      }, { afterPoll });
      const pass = async (ms = Infinity) => {
        let over = ms === Infinity;
        if (!over) clock.at(ms, () => over = true);
        await clock.run(() => Infinity, () => ms !== Infinity && over);
      };
      const world: World = { clock, told, deadlines, pass };
      await body(world);
      await pass();
      assertEquals(clock.left, []);
    } finally {
      restore();
    }
  });
}

virtual("each is told once when it is due", async ({ deadlines, told, pass, clock }) => {
  for (const ms of [50, 10, 30, 10]) deadlines.after(ms, `${ms}`);
  assertEquals(clock.left.length, 1);
  await pass();
  assertEquals(told, [["10", 10], ["10", 10], ["30", 30], ["50", 50]]);
});

virtual("what had arrived by then is read first", async ({ deadlines, told, pass }) => {
  const first = deadlines.after(10, "answered");
  deadlines.after(10, "late");
  await pass(11);
  assertEquals(told, []);
  deadlines.clear(first);
  await pass();
  assertEquals(told, [["late", 13]]);
}, { afterPoll: true });

virtual("those that are due only after that wait for another", async (world) => {
  const { deadlines, told, pass } = world;
  deadlines.after(10, "first");
  deadlines.after(11, "second");
  await pass();
  assertEquals(told.map(([who]) => who), ["first", "second"]);
  assert(told[1]![1] >= 11 + 3, `${told}`);
}, { afterPoll: true });

virtual(
  "a thousand are set and cleared with one timer",
  async ({ deadlines, pass, clock, told }) => {
    const set: Deadline<string>[] = [];
    const clear = (from: number) => set.splice(from, 1).forEach((each) => deadlines.clear(each));
    for (let i = 0; i < 1000; i++) {
      set.push(deadlines.after(100 + i % 7, "x"));
      if (set.length > 50) clear(i % 50);
      assertEquals(clock.left.length, 1);
      if (i % 10 === 0) await pass(1);
    }
    // A timer of a deadline that was cleared looks again, and no oftener than the shortest.
    assert(clock.ran < 120, `${clock.ran} timers`);
    while (set.length > 0) clear(0);
    await pass(0);
    assertEquals([clock.left, told], [[], []]);
  },
);

virtual("the sooner one moves the timer, whatever is in front of it", async (world) => {
  const { deadlines, told, pass } = world;
  const long = deadlines.after(1000, "long");
  deadlines.after(20, "short");
  deadlines.after(500, "middle");
  deadlines.clear(long);
  await pass();
  assertEquals(told, [["short", 20], ["middle", 500]]);
});

virtual("ten thousand of their own are told in order", async ({ deadlines, told, pass }) => {
  const all = Array.from({ length: 10_000 }, (_, i) => 1 + i * 7919 % 10_000);
  for (const ms of all) deadlines.after(ms, `${ms}`);
  await pass();
  assertEquals(told.length, all.length);
  assert(told.every(([who, at], i) => Number(who) === at && at === i + 1));
});

virtual("clearing twice, or what was told, does nothing", async ({ deadlines, told, pass }) => {
  const twice = deadlines.after(10, "cleared");
  const passed = deadlines.after(20, "passed");
  deadlines.clear(twice);
  deadlines.clear(twice);
  await pass(25);
  const later = deadlines.after(20, "later");
  deadlines.clear(passed);
  assert(later.place >= 0);
  await pass();
  assertEquals(told, [["passed", 20], ["later", 45]]);
});

const others: Deadline<string>[] = [];
virtual("who is told may set some and clear others", async (world) => {
  const { deadlines, told, pass, clock } = world;
  ["a", "b", "c", "d"].forEach((who, i) => others.push(deadlines.after(10 + i, who)));
  // Long enough for all to be due when the timer fires.
  clock.freeze(20);
  await pass();
  assertEquals(told, [["a", 20], ["c", 20], ["d", 20], ["from c", 20 + 10], ["from a", 20 + 40]]);
}, {
  onDue(who, { deadlines }) {
    if (who === "a") {
      deadlines.clear(others[1]!);
      deadlines.after(40, "from a");
    }
    if (who === "c") deadlines.after(10, "from c");
  },
});

virtual("one that throws does not keep the others from being told", async (world) => {
  const { deadlines, told, pass } = world;
  for (const who of ["bad", "good"]) deadlines.after(10, who);
  await pass().catch(() => {});
  await pass();
  assertEquals(told.map(([who]) => who), ["bad", "good"]);
}, {
  onDue(who) {
    if (who === "bad") throw new Error("bad");
  },
});

virtual("one after the other needs one timer, which goes with the last", async (world) => {
  const { deadlines, clock, pass, told } = world;
  for (let i = 0; i < 100; i++) {
    const deadline = deadlines.after(1000, "x");
    const { left } = clock;
    await Promise.resolve();
    deadlines.clear(deadline);
    await Promise.resolve();
    await Promise.resolve();
    assertEquals(clock.left, left);
  }
  await pass(0);
  assertEquals([clock.left, told], [[], []]);
});

virtual("none are left while it waits for what has arrived", async (world) => {
  const { deadlines, clock, pass, told } = world;
  const only = deadlines.after(10, "answered");
  await pass(11);
  assertEquals(clock.left.length, 1);
  deadlines.clear(only);
  await pass(0);
  assertEquals(clock.left, []);
  deadlines.after(10, "next");
  await pass();
  assertEquals(told, [["next", 11 + 10 + 3]]);
}, { afterPoll: true });

test("deadlines: a test may move its clock on before the timer has been let go", async () => {
  const clock = new VirtualClock();
  const restore = clock.install(() => 0.5);
  const told: string[] = [];
  try {
    const deadlines = new Deadlines<string>((who) => told.push(who), { afterPoll: false });
    let fire = () => {};
    const set = globalThis.setTimeout;
    globalThis.setTimeout = ((callback: () => void, ms?: number) => {
      const timer = set(callback, ms);
      fire = () => (clearTimeout(timer), callback());
      return timer;
    }) as typeof setTimeout;
    deadlines.clear(deadlines.after(10, "answered"));
    // As clocks of tests do: at once, with no microtask before it.
    clock.now = 20;
    fire();
    deadlines.after(10, "next");
    await clock.run(() => Infinity, () => false);
    assertEquals([told, clock.now], [["next"], 30]);
  } finally {
    restore();
  }
});

test("deadlines: on a clock that stands still, timers count", async () => {
  const clock = new VirtualClock();
  const restore = clock.install(() => 0.5);
  const told: string[] = [];
  try {
    performance.now = () => 5;
    const deadlines = new Deadlines<string>((who) => {
      told.push(who);
      // Whoever tries again at once comes to an end all the same.
      if (told.length < 50) deadlines.after(1, "again");
    }, { afterPoll: false });
    for (const ms of [20, 10]) deadlines.after(ms, `${ms}`);
    await clock.run(() => Infinity, () => false);
    assertEquals([told[0], told.length, told.includes("20")], ["10", 51, true]);
    assert(clock.ran > 20, `${clock.ran} timers`);
    assertEquals(clock.left, []);
  } finally {
    restore();
  }
});
