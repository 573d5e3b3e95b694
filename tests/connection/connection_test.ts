import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Connection, duplexPair } from "../../mod.ts";
import { codeOf, Peer, peerAndEnd, peers } from "../support/connections.ts";
import { framesCodec } from "../support/framing.ts";
import { deferred, soon } from "../support/within.ts";

test("Connection: messages go both ways, in order", async () => {
  const [a, b] = peers();
  const expected = Array.from({ length: 100 }, (_, at) => [at]);
  for (const message of expected) {
    await a.sender.send(message);
    await b.sender.send(message);
  }
  assertEquals(await b.messages(100), expected);
  assertEquals(await a.messages(100), expected);
  await a.connection.close();
});

test("Connection: the reactor may send before anything else", async () => {
  const [here, there] = duplexPair();
  const connection = new Connection(here, {
    codec: framesCodec(),
    reactor: (sender) => {
      sender.trySend([1]);
      return { onInboundMessage: () => {} };
    },
  });
  assertEquals(await new Peer(there).messages(1), [[1]]);
  await connection.close();
});

test("Connection: close() sends what is queued, and both ends report how it ended", async () => {
  const [a, b] = peers();
  for (let at = 0; at < 50; at++) a.sender.trySend([at]);
  const closed = a.connection.close();
  assertEquals(await soon(closed, "the close"), { kind: "local" });
  assertEquals(await b.closed, { kind: "peer" });
  assertEquals(b.received.length, 50);
  assertEquals([a.reasons, b.reasons], [[{ kind: "local" }], [{ kind: "peer" }]]);
});

test("Connection: close() twice, at once or later, is one close", async () => {
  const [a, b] = peers();
  const both = await soon(Promise.all([a.connection.close(), a.connection.close()]), "two closes");
  assertEquals(both, [{ kind: "local" }, { kind: "local" }]);
  assertEquals(await soon(a.connection.close(), "a third"), { kind: "local" });
  assertEquals(await soon(b.connection.close(), "the other's"), { kind: "peer" });
  assertEquals([a.reasons.length, b.reasons.length], [1, 1]);
});

test("Connection: both may close at once", async () => {
  const [a, b] = peers();
  await soon(Promise.all([a.connection.close(), b.connection.close()]), "both closes");
  assertEquals([codeOf(await a.closed), codeOf(await b.closed)], ["local", "local"]);
});

test("Connection: await using closes in order", async () => {
  const [here, there] = duplexPair();
  const b = new Peer(there);
  let a: Peer;
  {
    a = new Peer(here);
    await using connection = a.connection;
    connection.sender.trySend([1]);
  }
  assertEquals(a.reasons, [{ kind: "local" }]);
  assertEquals(await b.closed, { kind: "peer" });
  assertEquals(b.received, [[1]]);
});

test("Connection: after close() messages that still arrive are dropped", async () => {
  const [peer, end] = peerAndEnd();
  await end.write(new Uint8Array([1, 1]));
  await peer.messages(1);
  const closed = peer.connection.close();
  assertEquals(await end.readAll(), new Uint8Array([]));
  await end.write(new Uint8Array([1, 2]));
  await end.close();
  assertEquals(await soon(closed, "the close"), { kind: "local" });
  assertEquals(peer.received, [[1]]);
});

test("Connection: abort() ends at once, with its reason, and drops what is queued", async () => {
  const reason = new Error("enough");
  const [a, b] = peers();
  a.sender.trySend([1]);
  a.connection.abort(reason);
  const closed = await a.closed;
  assertEquals(codeOf(closed), "aborted");
  assertStrictEquals(closed.kind === "error" && closed.error.cause, reason);
  assertStrictEquals(a.reasons[0], closed);
  assertEquals(codeOf(await b.closed), "reset");
  assertEquals(b.received, []);
});

test("Connection: onClose is called before abort() returns, and once", async () => {
  const [a] = peers();
  a.connection.abort();
  assertEquals(a.reasons.map(codeOf), ["aborted"]);
  a.connection.abort();
  await a.connection.close();
  assertEquals(a.reasons.map(codeOf), ["aborted"]);
});

test("Connection: abort() cuts a close() short", async () => {
  const [peer, end] = peerAndEnd();
  const closed = peer.connection.close();
  await end.readAll();
  peer.connection.abort();
  assertEquals(codeOf(await soon(closed, "the close")), "aborted");
});

test("Connection: abort() after the end changes nothing", async () => {
  const [a, b] = peers();
  await soon(a.connection.close(), "the close");
  await b.closed;
  a.connection.abort();
  b.connection.abort();
  assertEquals([await a.closed, await b.closed], [{ kind: "local" }, { kind: "peer" }]);
});

test("Connection: abort() from within a callback lets no further message in", async () => {
  const [peer, end] = peerAndEnd({ onInboundMessage: () => peer.connection.abort() });
  await end.write(new Uint8Array([1, 1, 1, 2]));
  assertEquals(codeOf(await peer.closed), "aborted");
  assertEquals(peer.received, [[1]]);
});

test("Connection: a close() from within onClose finds it closed", async () => {
  const seen = deferred<unknown>();
  const [peer] = peerAndEnd({ onClose: () => void peer.connection.close().then(seen.resolve) });
  peer.connection.abort();
  assertEquals(await soon(seen.promise, "the close"), await peer.closed);
});

test("Connection: a bad option, or a reactor that cannot be made, leaves the duplex alone", () => {
  const [duplex] = duplexPair();
  const reactor = () => ({ onInboundMessage: () => {} });
  const bad = [
    { maxBufferLength: 0 },
    { maxQueuedMessages: 0 },
    { maxQueuedMessages: 1.5 },
    { drainTimeout: -1 },
    { drainTimeout: 2 ** 31 },
  ];
  for (const options of bad) {
    const make = () => new Connection(duplex, { codec: framesCodec(), reactor, ...options });
    const error = assertThrows(make, RangeError);
    assertEquals(error.message.split(" ")[0], Object.keys(options)[0]);
  }
  const thrown = new Error("no");
  const make = () =>
    new Connection(duplex, {
      codec: framesCodec(),
      reactor: () => {
        throw thrown;
      },
    });
  assertStrictEquals(assertThrows(make), thrown);
  assertEquals([duplex.readable.locked, duplex.writable.locked], [false, false]);
});
