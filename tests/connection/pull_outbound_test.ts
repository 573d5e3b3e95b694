import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Connection, type SendBudget } from "../../mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { codeOf, Peer } from "../support/connections.ts";
import { quiet } from "../support/quiet.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";

type Budget = SendBudget<number[]>;

/** A peer whose reactor sends with `pullOutbound`, and the transport it sends to. */
function puller(pullOutbound: (budget: Budget) => void, maxQueuedMessages = 256, blocked = false) {
  const duplex = new ScriptedDuplex();
  if (blocked) duplex.block();
  const peer = new Peer(duplex, { pullOutbound }, { maxQueuedMessages });
  return { peer, duplex };
}

test("pullOutbound: it is asked once at the beginning, and then after a wake", async () => {
  let calls = 0;
  let next: number[] | undefined;
  const { peer, duplex } = puller((budget) => {
    // Without an end to it, nothing else would have its turn.
    assert(++calls < 100, "it is asked again and again");
    if (next) budget.send(next);
    next = undefined;
  });
  await quiet(() => calls);
  assertEquals(calls, 1);
  for (const message of [[1], [2]]) {
    next = message;
    peer.sender.wake();
    await duplex.until(() => duplex.written.at(-1) === message[0], "the message");
  }
  await quiet(() => calls);
  assertEquals([calls, ...duplex.written], [3, 1, 1, 1, 2]);
});

test("pullOutbound: it is asked again while it uses all of its budget", async () => {
  let left = 1000;
  const budgets: number[] = [];
  const { duplex } = puller((budget) => {
    budgets.push(budget.remaining);
    while (left > 0 && budget.remaining > 0) budget.send([left-- & 1]);
  });
  await duplex.until(() => duplex.written.length === 2000, "all messages");
  await quiet(() => budgets.length);
  assert(budgets.every((budget) => budget >= 1 && budget <= 1024), `budgets ${budgets}`);
  assert(budgets.length < 100, `it was asked ${budgets.length} times for 1000 messages`);
});

test("pullOutbound: a budget ends with the bytes of a write", async () => {
  let made = 0;
  const { duplex } = puller((budget) => {
    const body = new Array(99).fill(1);
    while (budget.remaining > 0 && made < 10_000) {
      const bytes = budget.send(body);
      assertEquals(bytes, 100);
      made++;
    }
  });
  await duplex.until(() => duplex.written.length === 10_000 * 100, "all messages");
  const longest = Math.max(...duplex.chunks.map((chunk) => chunk.length));
  assert(longest <= 128 * 1024 + 100, `a chunk of ${longest} bytes`);
});

test("pullOutbound: while the transport takes nothing, it is not called", async () => {
  let made = 0;
  const { duplex } = puller(
    (budget) => {
      for (; budget.remaining > 0; made++) budget.send([1]);
    },
    10,
    true,
  );
  await quiet(() => made);
  // One batch waits for the transport, one for the encoder.
  assert(made <= 2 * 1024, `${made} messages were made`);
  const before = made;
  duplex.unblock();
  duplex.block();
  await quiet(() => made);
  assert(made > before && made <= before + 2 * 1024, `${made - before} messages more`);
});

test("pullOutbound: large messages end a batch by their bytes", async () => {
  let made = 0;
  const duplex = new ScriptedDuplex();
  duplex.block();
  const body = new Array(99).fill(1);
  const peer = new Peer(duplex, {
    pullOutbound(budget) {
      for (; budget.remaining > 0; made++) budget.send(body);
    },
  }, { maxQueuedMessages: 1_000_000 });
  await quiet(() => made);
  // Two batches, each of 128 KiB at the most and one more budget.
  assert(made * 100 < 2 * (128 * 1024 + 64 * 100), `${made * 100} bytes were made`);
  peer.connection.abort();
});

test("pullOutbound: it comes after the queue, and neither starves the other", async () => {
  const duplex = new ScriptedDuplex();
  duplex.block();
  const peer = new Peer(duplex, {
    pullOutbound(budget) {
      while (budget.remaining > 0) budget.send([2]);
    },
  }, { maxQueuedMessages: 8 });
  for (let at = 0; at < 8; at++) peer.sender.trySend([1]);
  await duplex.until(() => duplex.chunks.length === 1, "a chunk");
  const first = [...duplex.written].filter((_, at) => at % 2);
  assertEquals(first.slice(0, 8), new Array(8).fill(1));
  assert(first.length > 8 && first.slice(8).every((kind) => kind === 2), `${first}`);
  let queued = 8;
  const feed = async () => {
    for (; queued < 200; queued++) await peer.sender.send([1]);
  };
  duplex.unblock();
  await feed();
  const kinds = [...duplex.written].filter((_, at) => at % 2);
  assert(kinds.filter((kind) => kind === 2).length >= 100, "the queue starved the reactor");
  peer.connection.abort();
});

test("pullOutbound: sending more than the budget ends the connection", async () => {
  const { peer } = puller((budget) => {
    for (;;) budget.send([1]);
  });
  const reason = await peer.closed;
  assertEquals(codeOf(reason), "reactor");
  assertInstanceOf(reason.kind === "error" && reason.error.cause, RangeError);
});

test("pullOutbound: a budget is of no use afterwards", async () => {
  let kept: Budget | undefined;
  const { duplex } = puller((budget) => {
    if (!kept) budget.send([1]);
    kept = budget;
  });
  await duplex.until(() => duplex.written.length === 2, "the message");
  assertEquals(kept!.remaining, 0);
  assertThrows(() => kept!.send([2]), RangeError);
  await quiet(() => duplex.written.length);
  assertEquals(duplex.written.length, 2);
});

test("pullOutbound: a wake from within is not lost", async () => {
  let left = 5;
  const { peer, duplex } = puller((budget) => {
    if (left === 0) return;
    budget.send([left--]);
    peer.sender.wake();
  });
  await duplex.until(() => duplex.written.length === 10, "all messages");
});

test("pullOutbound: without it, a wake does nothing", async () => {
  const duplex = new ScriptedDuplex();
  const peer = new Peer(duplex);
  peer.sender.wake();
  await quiet(() => duplex.chunks.length);
  assertEquals(duplex.chunks, []);
});

test("pullOutbound: what is ready at a close() is sent", async () => {
  let left = 300;
  const { peer, duplex } = puller((budget) => {
    for (; left > 0 && budget.remaining > 0; left--) budget.send([1]);
  });
  peer.connection.close();
  await duplex.until(() => duplex.events.includes("close"), "the end");
  assertEquals(duplex.written.length, 600);
  peer.connection.abort();
});

test("pullOutbound: it is asked behind a message that is larger than a batch", async () => {
  let left = 100;
  const budgets: number[] = [];
  const duplex = new ScriptedDuplex();
  const connection = new Connection(duplex, {
    codec: lengthDelimited(),
    reactor: () => ({
      onInboundMessage() {},
      pullOutbound(budget) {
        budgets.push(budget.remaining);
        for (; left > 0 && budget.remaining > 0; left--) budget.send(new Uint8Array(1));
      },
    }),
  });
  await duplex.until(() => duplex.written.length === 200, "messages by which it knows their size");
  left = 5;
  connection.sender.trySend(new Uint8Array(400_000));
  connection.sender.wake();
  await duplex.until(() => duplex.written.length > 400_000, "the large message");
  await quiet(() => left);
  assertEquals(left, 0);
  assert(budgets.every((budget) => budget >= 1), `budgets ${budgets}`);
  connection.abort();
});
