// The conversation over TCP, through a proxy that is bad, but does not cut.
import { assertEquals } from "@std/assert";
import { DRAIN } from "../../support/conversation.ts";
import { assertEnded, assertUncut } from "../../support/conversation_checks.ts";
import { type Network, network } from "../../support/network.ts";
import { leftOver, openHandles } from "../../support/open_handles.ts";
import type { Faults } from "../../support/relay.ts";
import { strictTest } from "../../support/strict.ts";

/** A test with a network, after which no handle is left. */
function networkTest(name: string, run: (over: Network["over"]) => Promise<void>): void {
  strictTest(`over TCP, ${name}`, async () => {
    const before = openHandles();
    {
      await using between = await network();
      await run(between.over);
    }
    assertEquals(await leftOver(before), {}, "handles left open");
  });
}

const HARMLESS: Record<string, Faults> = {
  "byte by byte": { split: 1 },
  "in pieces of 7": { split: 7 },
  "all that comes together": { merge: 65536 },
  "2 ms late": { delay: 2 },
};

for (const [name, faults] of Object.entries(HARMLESS)) {
  networkTest(`nothing is lost where bytes come ${name}`, async (over) => {
    assertUncut(await over({ there: faults }));
    assertUncut(await over({ back: faults }));
    assertUncut(await over({ there: faults, back: faults }));
  });
}

const IDLE = { ...DRAIN, idleTimeout: 40 };
/** More bytes than the conversation has, in either direction. */
const BYTES = 360;
/** Conversations at a time. */
const AT_ONCE = 16;

async function each(run: (at: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < BYTES; from += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(from + i)));
  }
}

for (const way of ["there", "back"] as const) {
  networkTest(
    `stalled after any byte, ${way}: idleTimeout ends it`,
    (over) => each(async (stallAt) => assertEnded(await over({ [way]: { stallAt } }, IDLE))),
  );

  networkTest(
    `corrupted in any byte, ${way}: everybody comes to an end`,
    (over) => each(async (corruptAt) => assertEnded(await over({ [way]: { corruptAt } }, IDLE))),
  );
}
