import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ConnectionError, type SendOptions } from "../../mod.ts";
import { Peer, peers } from "../support/connections.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { outcome, soon, turn } from "../support/within.ts";

const QUEUE = 4;

/** A peer whose transport takes nothing, with `QUEUE` messages queued behind the one on its way. */
async function full(): Promise<{ peer: Peer; duplex: ScriptedDuplex }> {
  const duplex = new ScriptedDuplex();
  duplex.block();
  const peer = new Peer(duplex, {}, { maxQueuedMessages: QUEUE });
  peer.sender.trySend([0]);
  await duplex.until(() => duplex.chunks.length === 1, "the first chunk");
  // The encoder takes one more batch, which waits for the transport.
  await turn();
  for (let count = 0; count < 10 * QUEUE && peer.sender.trySend([0]); count++) await turn();
  return { peer, duplex };
}

function codeOfError(error: unknown): string {
  assertInstanceOf(error, ConnectionError);
  return error.code;
}

test("Sender: queued is how many wait, and never more than the limit", async () => {
  const { peer: { sender } } = await full();
  assertEquals(sender.queued, QUEUE);
  sender.send([1]).catch(() => {});
  assertEquals(sender.trySend([1]), false);
  assertEquals(sender.queued, QUEUE);
});

test("Sender: trySend returns false while the queue is full, and true after", async () => {
  const { peer: { sender }, duplex } = await full();
  assertEquals(sender.trySend([1]), false);
  duplex.unblock();
  await duplex.until(() => sender.queued === 0, "the queue to empty");
  assertEquals(sender.trySend([1]), true);
});

test("Sender: sends that wait resolve in order, as there is room", async () => {
  const { peer: { sender }, duplex } = await full();
  const resolved: number[] = [];
  const waits = [1, 2, 3, 4, 5, 6].map((id) => sender.send([id]).then(() => resolved.push(id)));
  await turn();
  assertEquals(resolved, []);
  duplex.unblock();
  await soon(Promise.all(waits), "all sends");
  assertEquals(resolved, [1, 2, 3, 4, 5, 6]);
  await duplex.until(() => duplex.written.at(-1) === 6, "the last message");
  assertEquals([...duplex.written].filter((byte) => byte > 1), [2, 3, 4, 5, 6]);
});

test("Sender: a send that waits can be given up, and its message is not sent", async () => {
  const { peer: { sender }, duplex } = await full();
  const controller = new AbortController();
  const reason = new Error("enough");
  const given = outcome(sender.send([9], { signal: controller.signal }));
  const kept = sender.send([8]);
  controller.abort(reason);
  assertEquals(await soon(given, "the send"), { kind: "error", error: reason });
  duplex.unblock();
  await soon(kept, "the other send");
  await duplex.until(() => duplex.written.at(-1) === 8, "the other message");
  assert(!duplex.written.includes(9));
});

test("Sender: a signal that has fired sends nothing, also if there is room", async () => {
  const duplex = new ScriptedDuplex();
  const { sender } = new Peer(duplex);
  const signal = AbortSignal.abort("too late");
  assertEquals(await outcome(sender.send([1], { signal })), { kind: "error", error: "too late" });
  assertEquals(sender.queued, 0);
});

test("Sender: a signal that fires once the message is queued changes nothing", async () => {
  const duplex = new ScriptedDuplex();
  const { sender } = new Peer(duplex);
  const controller = new AbortController();
  const sent = sender.send([1], { signal: controller.signal });
  controller.abort();
  await soon(sent, "the send");
  await duplex.until(() => duplex.written.length === 2, "the message");
});

test("Sender: no listener is left on a signal", async () => {
  for (const end of ["sent", "aborted", "closed"] as const) {
    const { peer, duplex } = await full();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    const counted: Partial<AbortSignal> = {
      addEventListener: (...args: Parameters<typeof addEventListener>) => {
        listeners++;
        addEventListener.apply(signal, args);
      },
      removeEventListener: (...args: Parameters<typeof removeEventListener>) => {
        listeners--;
        removeEventListener.apply(signal, args);
      },
    };
    const options: SendOptions = { signal: Object.assign(signal, counted) };
    const sends = [1, 2, 3].map((id) => outcome(peer.sender.send([id], options)));
    assertEquals(listeners, 1);
    if (end === "sent") duplex.unblock();
    else if (end === "aborted") controller.abort();
    else peer.connection.abort();
    await soon(Promise.all(sends), "the sends");
    assertEquals(listeners, 0, end);
  }
});

test("Sender: after the end trySend throws and send rejects, with code closed", async () => {
  const [a, b] = peers();
  const closed = a.connection.close();
  for (let round = 0; round < 2; round++) {
    assertEquals(codeOfError(assertThrows(() => a.sender.trySend([1]))), "closed");
    const { kind, ...rest } = await outcome(a.sender.send([1]));
    assertEquals([kind, ...Object.values(rest).map(codeOfError)], ["error", "closed"]);
    a.sender.wake();
    await soon(closed, "the close");
  }
  await b.closed;
  assertEquals(b.received, []);
});

test("Sender: sends that wait as the connection closes in order are sent", async () => {
  const { peer, duplex } = await full();
  const sends = [101, 102].map((id) => outcome(peer.sender.send([id])));
  peer.connection.close();
  duplex.unblock();
  for (const { kind } of await soon(Promise.all(sends), "the sends")) assertEquals(kind, "value");
  await duplex.until(() => duplex.events.includes("close"), "our end");
  assertEquals([...duplex.written].slice(-4), [1, 101, 1, 102]);
  peer.connection.abort();
});

test("Sender: sends that wait reject as the connection is aborted, also while it closes", async () => {
  for (const closes of [false, true]) {
    const { peer } = await full();
    const sends = [1, 2].map((id) => outcome(peer.sender.send([id])));
    if (closes) peer.connection.close();
    peer.connection.abort();
    for (const result of await soon(Promise.all(sends), "the sends")) {
      assertEquals(result.kind, "error");
      assertEquals(codeOfError((result as { error: unknown }).error), "closed");
    }
  }
});
