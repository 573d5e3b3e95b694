// A pool whose own zone cannot do what is asked of it, in virtual time.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { runCrowded } from "./crowded.ts";

test("maxZoneInFlight: calls spill over before a zone is overloaded, and come back", async () => {
  const [before, crowded, after] = await runCrowded({ zoned: true, maxZoneInFlight: 0.5 }, 1);
  assertEquals([before!.failed, before!.here], [0, 1]);
  // Two thirds of the calls are all that the zone can do, with a long wait for each.
  assert(crowded!.here > 0.35 && crowded!.here < 0.67, `${crowded!.here} stayed`);
  assert(crowded!.failed < 0.002 * crowded!.calls, `${crowded!.failed} failed`);
  assertEquals([after!.failed, after!.here], [0, 1]);
  assert(after!.connectionsThere < crowded!.connectionsThere / 2);
});
