// Nothing that has been accepted is lost in an orderly end, and the reactor is told of it.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair, type Reactor, serve } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { connect, listen } from "@protosocket/protosocket/node";
import { codeOf, Peer } from "../support/connections.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { deferred, soon, turn } from "../support/within.ts";

test("orderly end: an echo that waits for room sends all that it has taken", async () => {
  let taken = 0;
  const server = serve(await listen({ hostname: "127.0.0.1", port: 0 }), () => ({
    codec: lengthDelimited(),
    maxQueuedMessages: 16,
    reactor: (sender) => ({
      onInboundMessage(message) {
        taken++;
        return sender.send(message);
      },
    }),
  }));
  let received = 0;
  const begun = deferred();
  const client = new Connection(await connect(server.address as { port: number }), {
    codec: lengthDelimited(),
    maxQueuedMessages: 6000,
    reactor: () => ({
      onInboundMessage() {
        if (++received === 1) begun.resolve();
      },
    }),
  });
  for (let count = 0; count < 6000; count++) client.sender.trySend(new Uint8Array(1000));
  await soon(begun.promise, "the first answer");
  const [connection] = server.connections;
  const closed = server.close();
  assertEquals(codeOf(await soon(client.closed, "the client's end")), "peer");
  assertEquals(codeOf(await soon(connection!.closed, "the server's end")), "local");
  await soon(closed, "the close");
  assertEquals(received, taken);
});

test("orderly end: a reactor that can send no more because of it is not at fault", async () => {
  const [here, there] = duplexPair();
  const asked = deferred();
  const peer = new Peer(here, {
    async onInboundMessage() {
      asked.resolve();
      await turn();
      await peer.sender.send([1]);
    },
  });
  const other = new Peer(there);
  other.sender.trySend([7]);
  await soon(asked.promise, "the message");
  const closed = peer.connection.close();
  other.connection.close();
  assertEquals(codeOf(await soon(closed, "the end")), "local");
});

test("orderly end: the reactor is told once, before our direction ends, and can say more", async () => {
  for (const how of ["close", "drain", "disconnect"] as const) {
    const duplex = new ScriptedDuplex();
    let told = 0;
    let last: number[] | undefined;
    const reactor: Partial<Reactor<number[]>> = {
      onInboundMessage: () => "disconnect",
      onClosing() {
        told++;
        last = [9];
      },
      pullOutbound(budget) {
        if (last) budget.send(last);
        last = undefined;
      },
    };
    const peer = new Peer(duplex, reactor);
    peer.sender.trySend([1]);
    if (how === "disconnect") duplex.arrive(1, 5);
    else peer.connection[how]();
    await duplex.until(() => duplex.events.includes("close"), "our end");
    peer.connection.close();
    assertEquals([...duplex.written], [1, 1, 1, 9], how);
    peer.connection.abort();
    assertEquals(told, 1, how);
  }
});

test("orderly end: the reactor is not told of an abort", async () => {
  let told = 0;
  const peer = new Peer(new ScriptedDuplex(), { onClosing: () => void told++ });
  peer.connection.abort();
  await peer.closed;
  assertEquals(told, 0);
});

test("orderly end: a stream without end ends as the reactor is told", async () => {
  let made = 0;
  let closing = false;
  const [here, there] = duplexPair();
  const endless = new Peer(here, {
    pullOutbound(budget) {
      for (; !closing && budget.remaining > 0; made++) budget.send([1]);
    },
    onClosing: () => void (closing = true),
  });
  const reader = new Peer(there);
  await reader.messages(100);
  endless.connection.close();
  const before = made;
  reader.connection.close();
  assertEquals(codeOf(await soon(endless.closed, "the end")), "local");
  assertEquals(made, before);
  assert(reader.received.length <= made);
});

test("orderly end: a reactor that never settles does not hold up the end", async () => {
  const [here, there] = duplexPair();
  const asked = deferred();
  const peer = new Peer(here, {
    onInboundMessage() {
      asked.resolve();
      return new Promise<void>(() => {});
    },
  });
  const other = new Peer(there);
  other.sender.trySend([1]);
  other.sender.trySend([2]);
  await soon(asked.promise, "the message");
  const closed = peer.connection.close();
  other.connection.close();
  assertEquals(codeOf(await soon(closed, "the end")), "local");
  assertEquals(peer.received.length, 1);
});
