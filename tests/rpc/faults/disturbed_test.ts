// The conversation over a network that is bad, but not cut.
import { assertEquals } from "@std/assert";
import { type ConnectionOptions, duplexPair } from "@protosocket/protosocket";
import { converse, DRAIN, type Heard } from "../../support/conversation.ts";
import { assertEnded, assertUncut } from "../../support/conversation_checks.ts";
import { countTimers } from "../../support/count_timers.ts";
import { type Faults, relay } from "../../support/relay.ts";
import { strictTest } from "../../support/strict.ts";

type Ways = { there?: Faults; back?: Faults };

/** The conversation, and then the end of a network that may hold it up for ever. */
async function over(faults: Ways, options?: ConnectionOptions): Promise<Heard> {
  const [near, left] = duplexPair();
  const [right, far] = duplexPair();
  const { done, reset } = relay(left, right, faults);
  try {
    return await converse(near, far, options);
  } finally {
    reset();
    await done;
  }
}

const HARMLESS: Record<string, Faults> = {
  "byte by byte": { split: 1 },
  "in pieces of 7": { split: 7 },
  "all that comes together": { merge: 65536 },
  "2 ms late": { delay: 2 },
  "late and byte by byte after a wait": { merge: 1000, split: 1 },
};

for (const [name, faults] of Object.entries(HARMLESS)) {
  strictTest(`nothing is lost where bytes come ${name}`, async () => {
    assertUncut(await over({ there: faults }));
    assertUncut(await over({ back: faults }));
    assertUncut(await over({ there: faults, back: faults }));
  });
}

const IDLE = { ...DRAIN, idleTimeout: 40 };

/** Runs a case for each of many bytes, at once. */
async function each(from: number, to: number, run: (at: number) => Promise<void>): Promise<void> {
  const { left } = await countTimers(async () => {
    await Promise.all(Array.from({ length: to - from }, (_, i) => run(from + i)));
  });
  assertEquals(left, [], "timers are left");
}

for (const way of ["there", "back"] as const) {
  strictTest(
    `stalled after any byte, ${way}: idleTimeout ends it`,
    () => each(0, 400, async (stallAt) => assertEnded(await over({ [way]: { stallAt } }, IDLE))),
  );

  strictTest(
    `corrupted in any byte, ${way}: everybody comes to an end`,
    () =>
      each(0, 400, async (corruptAt) => assertEnded(await over({ [way]: { corruptAt } }, IDLE))),
  );
}
