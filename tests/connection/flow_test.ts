import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Reactor, ReactorStatus } from "../../mod.ts";
import { codeOf, Peer, peerAndEnd, peers } from "../support/connections.ts";
import { quiet } from "../support/quiet.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { deferred, soon, turn } from "../support/within.ts";

test("Connection: a reactor's promise stops the reading, and the peer's sends", async () => {
  const held = deferred();
  const bounds = { maxQueuedMessages: 10, capacity: 1000, chunkSize: 100 };
  const [a, b] = peers({}, { onInboundMessage: () => held.promise }, bounds);
  let sent = 0;
  const all = (async () => {
    for (; sent < 2000; sent++) await a.sender.send(new Array(9).fill(sent & 255));
    await a.connection.close();
  })();
  const stopped = await quiet(() => sent);
  // What the pair, the two queues and the batches between hold; nothing grows beyond.
  assert(stopped < 500, `${stopped} messages of 10 bytes were taken that nobody read`);
  assertEquals(b.received.length, 1);
  assertEquals(a.sender.queued, 10);

  held.resolve();
  await soon(all, "all sends");
  assertEquals(await b.closed, { kind: "peer" });
  assertEquals(
    b.received.map(([first]) => first),
    Array.from({ length: 2000 }, (_, at) => at & 255),
  );
});

test("Connection: callbacks come one at a time", async () => {
  let inside = 0;
  const [peer, end] = peerAndEnd({
    async onInboundMessage() {
      assertEquals(++inside, 1);
      await turn();
      inside--;
    },
    onInboundEnd: () => assertEquals(inside, 0),
  });
  await end.write(new Uint8Array([1, 1, 1, 2, 1, 3]));
  await end.close();
  assertEquals(await peer.closed, { kind: "peer" });
  assertEquals(peer.received, [[1], [2], [3]]);
});

const DISCONNECTS: [string, ReactorStatus | Promise<ReactorStatus>][] = [
  ["disconnect", "disconnect"],
  ["a promise of disconnect", Promise.resolve("disconnect")],
];

for (const [name, answer] of DISCONNECTS) {
  test(`Connection: ${name} ends in order, and no message after it comes`, async () => {
    const onInboundMessage: Reactor<number[]>["onInboundMessage"] = ([first]) => {
      peer.sender.trySend([first!]);
      return first === 2 ? answer : undefined;
    };
    const [peer, end] = peerAndEnd({ onInboundMessage });
    await end.write(new Uint8Array([1, 1, 1, 2, 1, 3]));
    assertEquals(await end.readAll(), new Uint8Array([1, 1, 1, 2]));
    await end.write(new Uint8Array([1, 4]));
    await end.close();
    assertEquals(await peer.closed, { kind: "local" });
    assertEquals(peer.received, [[1], [2]]);
  });
}

test("Connection: a peer that has ended still gets what is queued", async () => {
  const [peer, end] = peerAndEnd({}, { capacity: 16, maxQueuedMessages: 1000 });
  for (let at = 0; at < 200; at++) peer.sender.trySend([at]);
  await end.close();
  const bytes = await end.readAll();
  assertEquals(
    [...bytes].filter((_, at) => at % 2 === 1),
    Array.from({ length: 200 }, (_, at) => at),
  );
  assertEquals(await peer.closed, { kind: "peer" });
});

test("Connection: a peer that has ended gets what is sent until onInboundEnd is done", async () => {
  const heard = deferred();
  const held = deferred();
  const [peer, end] = peerAndEnd({ onInboundEnd: () => (heard.resolve(), held.promise) });
  await end.write(new Uint8Array([1, 1]));
  await end.close();
  await soon(heard.promise, "onInboundEnd");
  assertEquals(peer.received, [[1]], "onInboundEnd came before the messages");
  await peer.sender.send([7]);
  assertEquals(await end.readExactly(2), new Uint8Array([1, 7]));
  await peer.sender.send([8]);
  held.resolve();
  assertEquals(await end.readAll(), new Uint8Array([1, 8]));
  assertEquals(await peer.closed, { kind: "peer" });
});

test("Connection: onInboundEnd is not called after our own end", async () => {
  let called = false;
  const [peer, end] = peerAndEnd({ onInboundEnd: () => void (called = true) });
  const closed = peer.connection.close();
  await end.close();
  assertEquals(await soon(closed, "the close"), { kind: "local" });
  assertEquals(called, false);
});

test("Connection: a close() while onInboundEnd is at work is a local end", async () => {
  const heard = deferred();
  const held = deferred();
  const [peer, end] = peerAndEnd({ onInboundEnd: () => (heard.resolve(), held.promise) });
  await end.close();
  await soon(heard.promise, "onInboundEnd");
  const closed = peer.connection.close();
  held.resolve();
  assertEquals(await soon(closed, "the close"), { kind: "local" });
});

test("Connection: what cannot be sent within drainTimeout is given up", async () => {
  const duplex = new ScriptedDuplex();
  duplex.block();
  const peer = new Peer(duplex, {}, { drainTimeout: 20 });
  peer.sender.trySend([1]);
  const reason = await soon(peer.connection.close(), "the close");
  assertEquals(codeOf(reason), "drain-timeout");
  assert(reason.kind === "error" && reason.error.message.includes("20 ms"));
  await duplex.until(() => duplex.events.includes("abort"), "the transport to be broken off");
});

test("Connection: a peer that never ends is given up after drainTimeout, in order", async () => {
  const duplex = new ScriptedDuplex();
  const peer = new Peer(duplex, {}, { drainTimeout: 20 });
  peer.sender.trySend([1]);
  // Everything was sent, so a reset by the peer is not an error.
  assertEquals(await soon(peer.connection.close(), "the close"), { kind: "local" });
  assertEquals(duplex.written, new Uint8Array([1, 1]));
  await duplex.until(() => duplex.events.includes("cancel"), "the transport to be let go of");
});

test("Connection: a peer that resets after our end is no error", async () => {
  const [peer, end] = peerAndEnd();
  const closed = peer.connection.close();
  await end.readAll();
  await end.abort();
  assertEquals(await soon(closed, "the close"), { kind: "local" });
});

test("Connection: a peer that resets before it has got all is an error", async () => {
  const [peer, end] = peerAndEnd({}, { capacity: 2, chunkSize: 2 });
  for (let at = 0; at < 10; at++) peer.sender.trySend([at]);
  const closed = peer.connection.close();
  await end.readExactly(2);
  await end.abort();
  assertEquals(codeOf(await soon(closed, "the close")), "reset");
});

test("Connection: an onInboundEnd that never ends is given up after drainTimeout", async () => {
  const [peer, end] = peerAndEnd({ onInboundEnd: () => new Promise(() => {}) }, {
    drainTimeout: 20,
  });
  await end.close();
  assertEquals(codeOf(await peer.closed), "drain-timeout");
  await end.broken();
});
