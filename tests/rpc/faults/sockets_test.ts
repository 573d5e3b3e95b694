// The conversation over TCP, through a proxy that cuts it after every byte.
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { DRAIN } from "../../support/conversation.ts";
import { assertOver, assertUncut, recordedMessages } from "../../support/conversation_checks.ts";
import { type Network, network } from "../../support/network.ts";
import { leftOver, openHandles } from "../../support/open_handles.ts";
import { Retained } from "../../support/retained.ts";
import { strictTest } from "../../support/strict.ts";

/** Conversations at a time. */
const AT_ONCE = 16;
/** So many objects may be left of thousands: engines keep those they have just worked with. */
const ALLOWED = 20;

async function recorded(over: Network["over"]): Promise<Record<"there" | "back", Uint8Array>> {
  const [there, back]: [Uint8Array[], Uint8Array[]] = [[], []];
  assertUncut(
    await over({
      there: { onCarried: (bytes) => there.push(bytes) },
      back: { onCarried: (bytes) => back.push(bytes) },
    }),
  );
  return { there: concat(there), back: concat(back) };
}

for (const way of ["there", "back"] as const) {
  for (const cut of ["end", "reset"] as const) {
    const what = way === "there" ? "requests" : "answers";
    strictTest(`over TCP, cut by ${cut} after each byte of the ${what}`, async () => {
      const before = openHandles();
      const retained = new Retained();
      let cuts = 0;
      {
        await using between = await network();
        const bytes = (await recorded(between.over))[way];
        const messages = recordedMessages(bytes);
        for (let from = 0; from <= bytes.length; from += AT_ONCE) {
          const length = Math.min(AT_ONCE, bytes.length + 1 - from);
          await Promise.all(Array.from({ length }, async (_, i) => {
            const cutAt = from + i;
            try {
              const heard = await between.over({ [way]: { cutAt, cut } }, DRAIN, retained.watch);
              cuts++;
              assertOver(heard);
              const received = heard.received[way === "there" ? "server" : "client"];
              const whole = messages.filter(({ end }) => end <= cutAt).length;
              // The last answers come when the client closes, and are dropped unless they come
              // just before. A reset may overtake what the system has and nobody has read.
              const closing = way === "back" && heard.closes.client[0]!.kind === "local";
              if (cut === "end" && !closing) assertEquals(received, whole, "messages");
              else assert(received <= whole, `${received} of ${whole} messages`);
            } catch (cause) {
              throw new Error(`Cut after ${cutAt} of ${bytes.length} bytes: ${cause}`, { cause });
            }
          }));
        }
        await between.idle();
      }
      assertEquals(await leftOver(before), {}, "handles left open");
      const left = await retained.left(ALLOWED);
      console.log(
        `figures: over TCP, ${cuts} cuts by ${cut} of the ${what}: no handle left open; ` +
          `${retained.seen} objects, ${left} left`,
      );
      assert(left <= ALLOWED, `${left} of ${retained.seen} objects are held by something`);
    });
  }
}
