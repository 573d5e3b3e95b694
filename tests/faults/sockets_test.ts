// The conversation over TCP, through a proxy that cuts it after every byte.
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { Listener, SocketDuplex } from "@protosocket/protosocket";
import { sockets } from "../../examples/support/sockets.ts";
import { converse, DRAIN, type Heard } from "../support/conversation.ts";
import { assertOver, assertUncut, recordedMessages } from "../support/conversation_checks.ts";
import { leftOver, openHandles } from "../support/open_handles.ts";
import { proxy } from "../support/proxy.ts";
import type { Faults } from "../support/relay.ts";
import { strictTest } from "../support/strict_test.ts";
import { soon } from "../support/within.ts";

/** Conversations at a time. */
const AT_ONCE = 16;

interface Network extends AsyncDisposable {
  /** One conversation, and what its faults were. */
  over(faults?: { there?: Faults; back?: Faults }): Promise<Heard>;
}

async function network(): Promise<Network> {
  const { listen } = await sockets();
  const listener: Listener = await listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener[Symbol.asyncIterator]();
  const { address } = listener;
  assert(address.transport === "tcp");
  const between = await proxy(address.port);
  let before: Promise<unknown> = Promise.resolve();
  const open = async (faults: { there?: Faults; back?: Faults }) => {
    const [near, far] = await Promise.all([between.dial(faults), accepted.next()]);
    return [near, far.value] as [SocketDuplex, SocketDuplex];
  };
  return {
    async over(faults = {}) {
      const opened = before.then(() => soon(open(faults), "a connection"));
      before = opened.catch(() => {});
      return converse(...await opened, DRAIN);
    },
    async [Symbol.asyncDispose]() {
      await soon(between.idle(), "the proxy to be idle");
      await between[Symbol.asyncDispose]();
      await listener.close();
    },
  };
}

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
      {
        await using between = await network();
        const bytes = (await recorded(between.over))[way];
        const messages = recordedMessages(bytes);
        for (let from = 0; from <= bytes.length; from += AT_ONCE) {
          const length = Math.min(AT_ONCE, bytes.length + 1 - from);
          await Promise.all(Array.from({ length }, async (_, i) => {
            const cutAt = from + i;
            try {
              const heard = await between.over({ [way]: { cutAt, cut } });
              assertOver(heard);
              const received = heard.received[way === "there" ? "server" : "client"];
              const whole = messages.filter(({ end }) => end <= cutAt).length;
              // A reset may overtake what the system has and nobody has read.
              if (cut === "end") assertEquals(received, whole, "messages");
              else assert(received <= whole, `${received} of ${whole} messages`);
            } catch (cause) {
              throw new Error(`Cut after ${cutAt} of ${bytes.length} bytes: ${cause}`, { cause });
            }
          }));
        }
      }
      assertEquals(await leftOver(before), {}, "handles left open");
    });
  }
}
