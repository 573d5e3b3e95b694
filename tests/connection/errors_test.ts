import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { type CloseReason, ConnectionError, type Reactor, TransportError } from "../../mod.ts";
import { codeOf, Peer, peerAndEnd } from "../support/connections.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { deferred, outcome, soon, turn } from "../support/within.ts";

const oh = new Error("oh");
const throws = () => {
  throw oh;
};

/** Registers a case of a reactor that fails, in a connection that gets a message and the end. */
function reactorFails(name: string, reactor: Partial<Reactor<number[]>>): void {
  test(`Connection: a reactor whose ${name} ends it`, async () => {
    const [peer, end] = peerAndEnd(reactor);
    peer.sender.trySend([7]);
    // It may end before it has taken these.
    outcome(end.writer.write(new Uint8Array([1, 1])));
    outcome(end.writer.close());
    const reason = await peer.closed;
    assertEquals(codeOf(reason), "reactor");
    assertStrictEquals(causeOf(reason), oh);
    assertEquals(messageOf(reason), "The reactor threw: oh");
    assertStrictEquals(peer.reasons[0], reason);
    assertEquals(peer.reasons.length, 1);
  });
}

function causeOf(reason: CloseReason): unknown {
  return reason.kind === "error" ? reason.error.cause : undefined;
}

function messageOf(reason: CloseReason): string | undefined {
  return reason.kind === "error" ? reason.error.message : undefined;
}

reactorFails("onInboundMessage throws", { onInboundMessage: throws });
reactorFails("onInboundMessage rejects", { onInboundMessage: () => Promise.reject(oh) });
reactorFails("onInboundEnd throws", { onInboundEnd: throws });
reactorFails("onInboundEnd rejects", { onInboundEnd: () => Promise.reject(oh) });
reactorFails("onOutboundMessage throws", { onOutboundMessage: throws });
reactorFails("pullOutbound throws", { pullOutbound: throws });
reactorFails("pullOutbound, being async, rejects", { pullOutbound: () => Promise.reject(oh) });

/** A message that the codec of these tests cannot encode. */
const TOO_LONG: number[] = new Array(100).fill(8);

test("Connection: a reactor whose onEncodeError throws ends it", async () => {
  const [peer] = peerAndEnd({ onEncodeError: throws });
  peer.sender.trySend(TOO_LONG);
  const reason = await peer.closed;
  assertEquals(codeOf(reason), "reactor");
  assertStrictEquals(causeOf(reason), oh);
});

test("Connection: a reactor whose onEncodeError, being async, rejects ends it", async () => {
  const [peer] = peerAndEnd({ onEncodeError: () => Promise.reject(oh) });
  peer.sender.trySend(TOO_LONG);
  const reason = await soon(peer.closed, "the end");
  assertEquals(codeOf(reason), "reactor");
  assertStrictEquals(causeOf(reason), oh);
});

test("Connection: a reactor whose onClosing or onClose, being async, rejects does not end the process", async () => {
  for (const name of ["onClosing", "onClose"]) {
    const [peer, end] = peerAndEnd({ [name]: () => Promise.reject(oh) });
    outcome(end.writer.close());
    await soon(peer.closed, "the end");
    // An unhandled rejection would fail this test.
    await turn();
  }
});

test("Connection: a reactor whose onClose throws is reported, unless there already is an error", async () => {
  const [inOrder, end] = peerAndEnd({ onClose: throws });
  await end.close();
  assertEquals(codeOf(await inOrder.closed), "reactor");
  const [aborted] = peerAndEnd({ onClose: throws });
  aborted.connection.abort();
  assertEquals(codeOf(await aborted.closed), "aborted");
});

test("Connection: a message that cannot be encoded ends it, or is left out if there is an onEncodeError", async () => {
  const [deaf] = peerAndEnd();
  deaf.sender.trySend(TOO_LONG);
  const reason = await deaf.closed;
  assertEquals(codeOf(reason), "encoder");
  const cause = causeOf(reason);
  assertInstanceOf(cause, RangeError);
  assertEquals(messageOf(reason), `Cannot send a message: ${cause.message}`);

  const heard: unknown[] = [];
  const [hearing, end] = peerAndEnd({
    onEncodeError(error, message) {
      // It is called as a method.
      assertInstanceOf(this.onInboundMessage, Function);
      heard.push(error, message);
    },
  });
  for (const message of [[1], TOO_LONG, [2]]) hearing.sender.trySend(message);
  hearing.connection.close();
  assertEquals(await end.readAll(), new Uint8Array([1, 1, 1, 2]));
  assertInstanceOf(heard[0], RangeError);
  assertStrictEquals(heard[1], TOO_LONG);
  end.drop();
});

/** Registers a case of bytes after a good message, and how the connection then ends. */
function ends(code: string, name: string, bytes: number[], close = false): void {
  test(`Connection: ${name} ends it with ${code}, after the messages before`, async () => {
    // A promise, so that the first message is still at work as the bad one is found.
    const onInboundMessage = () => turn();
    const [peer, end] = peerAndEnd({ onInboundMessage }, { maxBufferLength: 50 });
    await end.write(new Uint8Array([1, 1, 1, 2, ...bytes]));
    if (close) await end.close();
    const reason = await peer.closed;
    assertEquals(codeOf(reason), code);
    assertInstanceOf(reason.kind === "error" && reason.error, ConnectionError);
    assertEquals(peer.received, [[1], [2]]);
  });
}

ends("invalid-message", "what is no message", [255]);
ends("message-too-large", "a message over the limit", [60]);
ends("truncated", "an end within a message", [5, 1], true);

test("Connection: a transport that breaks ends it at once, with its own error", async () => {
  const duplex = new ScriptedDuplex();
  // A reactor that never comes back must not hold that up.
  const peer = new Peer(duplex, { onInboundMessage: () => new Promise(() => {}) });
  duplex.arrive(1, 1);
  await peer.messages(1);
  const error = new TransportError("timed-out", "no answer");
  duplex.break(error);
  const reason = await peer.closed;
  assertStrictEquals(reason.kind === "error" && reason.error, error);
});

test("Connection: a transport that breaks is noticed while the reactor is busy", async () => {
  const duplex = new ScriptedDuplex();
  const peer = new Peer(duplex, { onInboundMessage: () => new Promise(() => {}) });
  duplex.arrive(1, 1);
  await peer.messages(1);
  // Now there is a chunk that nobody takes, and no read that could fail.
  duplex.arrive(1, 2);
  await turn();
  duplex.break(new TransportError("reset", "gone"));
  assertEquals(codeOf(await peer.closed), "reset");
});

test("Connection: a transport that breaks with a foreign error is reported as other", async () => {
  const duplex = new ScriptedDuplex();
  const peer = new Peer(duplex);
  duplex.break(oh);
  const reason = await peer.closed;
  assertInstanceOf(reason.kind === "error" && reason.error, TransportError);
  assertEquals(codeOf(reason), "other");
  assertStrictEquals(causeOf(reason), oh);
});

test("Connection: a write that fails ends it", async () => {
  const duplex = new ScriptedDuplex();
  duplex.block();
  const peer = new Peer(duplex);
  peer.sender.trySend([1]);
  await duplex.until(() => duplex.chunks.length === 1, "the write");
  duplex.failWrite(new TransportError("reset", "gone"));
  assertEquals(codeOf(await peer.closed), "reset");
});

test("Connection: an error ends both streams of the duplex", async () => {
  const duplex = new ScriptedDuplex();
  const peer = new Peer(duplex, { onInboundMessage: throws });
  duplex.arrive(1, 1);
  await peer.closed;
  await duplex.until(
    () => duplex.events.includes("abort") && duplex.events.includes("cancel"),
    "both streams to end",
  );
});

test("Connection: whenever it closes while the peer ends within a message, nothing is left unheard", async () => {
  // A rejection that nobody hears of would end the process.
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const duplex = new ScriptedDuplex();
    const peer = new Peer(duplex);
    duplex.arrive(5, 1);
    await turn();
    duplex.end();
    for (let i = 0; i < microtasks; i++) await Promise.resolve();
    peer.connection.close();
    await soon(peer.closed, "the end");
    await turn();
  }
});

test("Connection: no message comes after onClose", async () => {
  const held = deferred<void>();
  const [peer, end] = peerAndEnd({ onInboundMessage: () => held.promise });
  await end.write(new Uint8Array([1, 1, 1, 2]));
  await peer.messages(1);
  peer.connection.abort();
  held.resolve();
  await soon(turn(), "a turn");
  assertEquals(peer.received, [[1]]);
  assertEquals(peer.reasons.map(codeOf), ["aborted"]);
});
