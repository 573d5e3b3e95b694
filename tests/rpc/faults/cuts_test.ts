// A conversation whose network is cut, after every byte of it: whatever has been said by
// then, everybody hears of the end, once, and nothing is left.
import { assert, assertEquals } from "@std/assert";
import { duplexPair } from "@protosocket/protosocket";
import { concat } from "@std/bytes";
import {
  assertHeard,
  assertOver,
  assertTold,
  assertUncut,
  recordedMessages,
} from "../../support/conversation_checks.ts";
import { converse, DRAIN, type Heard } from "../../support/conversation.ts";
import { countTimers } from "../../support/count_timers.ts";
import { type Faults, relay } from "../../support/relay.ts";
import { Retained } from "../../support/retained.ts";
import { strictTest } from "../../support/strict.ts";
import { soon } from "../../support/within.ts";

/** Conversations at a time: most of each is waiting for a turn. */
const AT_ONCE = 64;
/** So many objects may be left of thousands: engines keep those they have just worked with. */
const ALLOWED = 20;

/** The conversation over memory with a network between. */
async function over(
  faults: { there?: Faults; back?: Faults },
  watch?: (object: object) => void,
): Promise<Heard> {
  const [near, left] = duplexPair();
  const [right, far] = duplexPair();
  const { done } = relay(left, right, faults);
  const heard = await converse(near, far, DRAIN, watch);
  await soon(done, "the network to be done");
  return heard;
}

/** The bytes of an uncut conversation, each way, and how many messages each end has handled. */
async function recorded(): Promise<
  Record<"there" | "back", Uint8Array> & Pick<Heard, "received">
> {
  const there: Uint8Array[] = [];
  const back: Uint8Array[] = [];
  const heard = await over({
    there: { onCarried: (bytes) => there.push(bytes) },
    back: { onCarried: (bytes) => back.push(bytes) },
  });
  assertUncut(heard);
  return { there: concat(there), back: concat(back), received: heard.received };
}

strictTest("without a fault the conversation comes to its end, the same each time", async () => {
  assertEquals(await recorded(), await recorded());
});

for (const way of ["there", "back"] as const) {
  for (const cut of ["end", "reset"] as const) {
    const what = way === "there" ? "requests" : "answers";
    strictTest(`cut by ${cut} after each byte of the ${what}`, async () => {
      const { [way]: bytes, received } = await recorded();
      const messages = recordedMessages(bytes);
      const retained = new Retained();
      const timers = await countTimers(async () => {
        for (let from = 0; from <= bytes.length; from += AT_ONCE) {
          const length = Math.min(AT_ONCE, bytes.length + 1 - from);
          await Promise.all(Array.from({ length }, async (_, i) => {
            const cutAt = from + i;
            const heard = await over({ [way]: { cutAt, cut } }, retained.watch);
            try {
              const arrived = messages.filter(({ end }) => end <= cutAt);
              const whole = arrived.map(({ message }) => message);
              const atBoundary = cutAt === (arrived.at(-1)?.end ?? 0);
              const end = way === "there" ? "server" : "client";
              assertOver(heard);
              // The last answer comes when the client closes, and is dropped.
              const handled = Math.min(whole.length, received[end]);
              assertEquals(heard.received[end], handled, "messages");
              assertTold(heard, end, cut, whole, atBoundary);
              if (way === "back") assertHeard(heard, whole);
            } catch (cause) {
              throw new Error(`Cut after ${cutAt} of ${bytes.length} bytes: ${cause}`, { cause });
            }
          }));
        }
      });
      assert(timers.started.length > bytes.length, `${timers.started.length} timers were started`);
      assertEquals(timers.left, [], "timers are left");
      const left = await retained.left(ALLOWED);
      assert(left <= ALLOWED, `${left} of ${retained.seen} objects are held by something`);
      console.log(
        `figures: ${bytes.length + 1} cuts by ${cut} of the ${what}: ${timers.started.length} ` +
          `timers started, 0 left; ${retained.seen} objects, ${left} left`,
      );
    });
  }
}
