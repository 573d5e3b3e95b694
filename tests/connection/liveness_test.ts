// A connection that is quiet, and one that finishes its work first.
import {
  Connection,
  type ConnectionConfig,
  ConnectionError,
  duplexPair,
  type Reactor,
} from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { deferred, soon } from "../support/within.ts";

type Config = ConnectionConfig<Uint8Array>;

function open(config: Partial<Config>, reactor: Partial<Reactor<Uint8Array>> = {}) {
  const [here, there] = duplexPair();
  const connection = new Connection(here, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => {}, ...reactor }),
    ...config,
  });
  return { connection, there };
}

function peer(duplex: ReturnType<typeof duplexPair>[0], onInboundMessage: () => void = () => {}) {
  return new Connection(duplex, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage }),
  });
}

test("a connection whose peer sends nothing for idleTimeout ends", async () => {
  const { connection } = open({ idleTimeout: 20 });
  const reason = await soon(connection.closed, "the idle time-out");
  assert(reason.kind === "error" && reason.error instanceof ConnectionError);
  assertEquals(reason.error.code, "idle-timeout");
});

test("a connection whose peer has a heartbeat stays open", async () => {
  const beats = deferred();
  let count = 0;
  const { connection, there } = open({ idleTimeout: 2000 }, {
    onInboundMessage: () => {
      if (++count === 5) beats.resolve();
    },
  });
  await using _quiet = new Connection(there, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => {} }),
    heartbeat: { interval: 5, message: () => new Uint8Array([1]) },
  });
  await soon(beats.promise, "five heartbeats");
  connection.close();
  assertEquals((await connection.closed).kind, "local");
});

test("time in which the reactor does not read is not the peer's silence", async () => {
  const working = deferred();
  const received = deferred();
  const { connection, there } = open({ idleTimeout: 20 }, {
    onInboundMessage: () => (received.resolve(), working.promise),
  });
  const other = peer(there);
  // More than is read ahead, so that the reading does stop.
  const much = new Uint8Array(64 * 1024);
  for (let i = 0; i < 20; i++) other.sender.trySend(much);
  await soon(received.promise, "the first message");
  // Several times the time-out: it is the timers that are looked at, not a race.
  await new Promise((resolve) => setTimeout(resolve, 100));
  let closed = false;
  connection.closed.then(() => closed = true);
  await Promise.resolve();
  assertEquals(closed, false);
  connection.abort();
  working.resolve();
  other.abort();
});

test("a heartbeat that cannot be made ends the connection", async () => {
  const { connection } = open({
    heartbeat: {
      interval: 1,
      message: () => {
        throw new Error("no message");
      },
    },
  });
  const reason = await soon(connection.closed, "the end");
  assert(reason.kind === "error" && reason.error.code === "reactor");
});

test("times out of range are refused", () => {
  for (const idleTimeout of [0, -1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => open({ idleTimeout }), RangeError, "idleTimeout");
    const heartbeat = { interval: idleTimeout, message: () => new Uint8Array() };
    assertThrows(() => open({ heartbeat }), RangeError, "heartbeat.interval");
  }
  const { connection } = open({});
  for (const timeout of [-1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => connection.drain({ timeout }), RangeError, "timeout");
  }
  connection.abort();
});

test("drain lets the reactor finish, and sends what it sends meanwhile", async () => {
  const work = deferred();
  const asked = deferred();
  const heard = deferred();
  const { connection, there } = open({}, { onDrain: () => (asked.resolve(), work.promise) });
  const other = peer(there, () => heard.resolve());
  const drained = connection.drain();
  await soon(asked.promise, "onDrain");
  assertEquals(connection.sender.trySend(new Uint8Array([1])), true);
  await soon(heard.promise, "a message while draining");
  work.resolve();
  assertEquals((await soon(drained, "the end")).kind, "local");
  assertEquals((await other.closed).kind, "peer");
});

test("drain ends at its timeout, and fires the signal first", async () => {
  let signal: AbortSignal | undefined;
  const heard = deferred();
  const { connection, there } = open({}, {
    onDrain: (given) => {
      signal = given;
      given.addEventListener("abort", () => connection.sender.trySend(new Uint8Array([9])));
      return new Promise(() => {});
    },
  });
  peer(there, () => heard.resolve());
  await soon(connection.drain({ timeout: 5 }), "the end");
  assert(signal?.aborted && signal.reason instanceof ConnectionError);
  assertEquals(signal.reason.code, "drain-timeout");
  await soon(heard.promise, "what was said at the timeout");
});

test("drain ends with the connection, may be called twice, and reports a throw", async () => {
  const { connection } = open({}, { onDrain: () => new Promise(() => {}) });
  const drained = connection.drain();
  assertEquals(connection.drain(), drained);
  connection.abort();
  assertEquals((await soon(drained, "the end")).kind, "error");

  const thrower = open({}, {
    onDrain: () => {
      throw new Error("cannot finish");
    },
  });
  const reason = await soon(thrower.connection.drain(), "the end");
  assert(reason.kind === "error" && reason.error.code === "reactor");
});

test("drain may be called again by the reactor that it asks", async () => {
  let asked = 0;
  const { connection, there } = open({}, {
    onDrain: () => {
      // Without an end to it, the stack would overflow.
      if (++asked < 10) connection.drain();
    },
  });
  peer(there, () => {});
  assertEquals((await soon(connection.drain(), "the end")).kind, "local");
  assertEquals(asked, 1);
});

test("an observer sees batches and bytes, and cannot do harm", async () => {
  const seen: string[] = [];
  const [here, there] = duplexPair();
  const heard = deferred();
  const other = peer(there, () => heard.resolve());
  const connection = new Connection(here, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => {} }),
    observer: {
      onBytesSent: (bytes) => seen.push(`sent ${bytes} bytes`),
      onMessagesSent: (messages, queued) => seen.push(`sent ${messages}, queued ${queued}`),
      onBytesReceived: (bytes) => seen.push(`received ${bytes} bytes`),
      onMessagesReceived: (messages) => {
        seen.push(`received ${messages}`);
        throw new Error("an observer's own");
      },
      onClose: (reason) => seen.push(`closed ${reason.kind}`),
    },
  });
  for (let i = 0; i < 3; i++) connection.sender.trySend(new Uint8Array(9));
  await soon(heard.promise, "the messages");
  other.sender.trySend(new Uint8Array(4));
  await other.close();
  await connection.closed;
  assertEquals(seen.sort(), [
    "closed peer",
    "received 1",
    "received 5 bytes",
    "sent 3, queued 0",
    "sent 30 bytes",
  ]);
});
