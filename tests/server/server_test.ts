import { test } from "node:test";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type CloseReason,
  type Connector,
  type Duplex,
  duplexPair,
  type Listener,
  serve,
  type SocketDuplex,
  TransportError,
} from "../../mod.ts";
import { codeOf, Peer } from "../support/connections.ts";
import { End } from "../support/end.ts";
import { framesCodec } from "../support/framing.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { deferred, soon, turn } from "../support/within.ts";

/** Echoes each message, and records each end. */
function echo(reasons: CloseReason[] = []): Connector<number[]> {
  return () => ({
    codec: framesCodec(),
    reactor: (sender) => ({
      onInboundMessage: (message) => sender.send(message),
      onClose: (reason) => void reasons.push(reason),
    }),
  });
}

/** Sends a message and waits for it to come back. */
async function talk(duplex: Duplex): Promise<Peer> {
  const peer = new Peer(duplex);
  peer.sender.trySend([1, 2]);
  assertEquals(await peer.messages(1), [[1, 2]]);
  return peer;
}

test("serve: each connection has a reactor of its own", async () => {
  const listener = memoryListener();
  const ports: unknown[] = [];
  await using server = serve<number[]>(listener, ({ remoteAddress }) => ({
    codec: framesCodec(),
    reactor: (sender) => {
      ports.push(remoteAddress);
      let count = 0;
      return { onInboundMessage: () => sender.send([++count]) };
    },
  }));
  const peers = [1, 2, 3].map((port) => new Peer(listener.dial(port)));
  for (const peer of peers) {
    peer.sender.trySend([]);
    peer.sender.trySend([]);
    assertEquals(await peer.messages(2), [[1], [2]]);
  }
  assertEquals(server.connections.size, 3);
  const address = (port: number) => ({ transport: "tcp", hostname: "127.0.0.1", port });
  assertEquals(ports, [address(1), address(2), address(3)]);
});

test("serve: a listener has one server at a time", async () => {
  const listener = memoryListener();
  const server = serve(listener, echo());
  assertThrows(() => serve(listener, echo()), TypeError, "listener has a server already");
  await talk(listener.dial(1));
  await soon(server.close(), "the close");
  await soon(serve(listener, echo()).finished, "the end of one whose listener is closed");
});

test("serve: a connection that has ended is released", async () => {
  const listener = memoryListener();
  await using server = serve(listener, echo());
  const peer = await talk(listener.dial(1));
  assertEquals(server.connections.size, 1);
  const [served] = server.connections;
  await peer.connection.close();
  assertEquals(await soon(served!.closed, "the served end"), { kind: "peer" });
  await turn();
  assertEquals(server.connections.size, 0);
});

test("serve: one connection that fails harms no other", async () => {
  const listener = memoryListener();
  const reasons: CloseReason[] = [];
  await using _server = serve(listener, echo(reasons));
  const good = await talk(listener.dial(1));
  const bad = new End(listener.dial(2));
  await bad.write(new Uint8Array([255]));
  await bad.broken();
  const gone = new End(listener.dial(3));
  await gone.abort();
  good.sender.trySend([3]);
  assertEquals(await good.messages(2), [[1, 2], [3]]);
  await talk(listener.dial(4));
  assertEquals(reasons.map(codeOf).sort(), ["invalid-message", "reset"]);
});

const no = new Error("no");
const REFUSALS: [string, Connector<number[]>][] = [
  ["throws", () => {
    throw no;
  }],
  ["rejects", () => Promise.reject(no)],
  ["has a reactor that cannot be made", () => ({
    codec: framesCodec(),
    reactor: () => {
      throw no;
    },
  })],
];

for (const [name, refuse] of REFUSALS) {
  test(`serve: a connector that ${name} refuses that connection and no other`, async () => {
    const listener = memoryListener();
    const refused: [unknown, SocketDuplex][] = [];
    const connector: Connector<number[]> = (duplex) =>
      portOf(duplex) === 13 ? refuse(duplex) : echo()(duplex);
    await using server = serve(listener, connector, {
      onConnectError(error, duplex) {
        refused.push([error, duplex]);
        throw new Error("this must not end the server");
      },
    });
    const bad = new End(listener.dial(13));
    await bad.broken();
    await talk(listener.dial(1));
    assertEquals(refused.length, 1);
    assertStrictEquals(refused[0]![0], no);
    assertEquals(portOf(refused[0]![1]), 13);
    assertEquals(server.connections.size, 1);
  });
}

function portOf({ remoteAddress }: SocketDuplex): number {
  return remoteAddress?.transport === "tcp" ? remoteAddress.port : 0;
}

test("serve: a connection with a bad option is refused", async () => {
  const listener = memoryListener();
  const errors: unknown[] = [];
  const connector: Connector<number[]> = async (duplex) => ({
    ...await echo()(duplex),
    maxQueuedMessages: 0,
  });
  await using _server = serve(listener, connector, {
    onConnectError: (error) => errors.push(error),
  });
  const end = new End(listener.dial(1));
  await end.broken();
  assertInstanceOf(errors[0], RangeError);
});

test("serve: a connector that takes its time holds up no other", async () => {
  const listener = memoryListener();
  const held = deferred();
  await using _server = serve<number[]>(listener, async (duplex) => {
    if (portOf(duplex) === 1) await held.promise;
    return echo()(duplex);
  });
  const slow = new Peer(listener.dial(1));
  slow.sender.trySend([5]);
  await talk(listener.dial(2));
  held.resolve();
  assertEquals(await slow.messages(1), [[5]]);
});

test("serve: close() ends every connection in order, and may be called again", async () => {
  const listener = memoryListener();
  const reasons: CloseReason[] = [];
  const server = serve(listener, echo(reasons));
  const peers = [await talk(listener.dial(1)), await talk(listener.dial(2))];
  await soon(Promise.all([server.close(), server.close()]), "the close");
  await soon(server.close(), "a further close");
  await soon(server.finished, "the server to finish");
  assertEquals(reasons, [{ kind: "local" }, { kind: "local" }]);
  for (const peer of peers) assertEquals(await peer.closed, { kind: "peer" });
  assertEquals(server.connections.size, 0);
});

test("serve: a connection whose connector is at work as the server closes ends in order", async () => {
  const listener = memoryListener();
  const [began, held] = [deferred(), deferred()];
  const server = serve<number[]>(listener, async (duplex) => {
    began.resolve();
    await held.promise;
    return echo()(duplex);
  });
  const peer = new Peer(listener.dial(1));
  await soon(began.promise, "the connector");
  const closed = server.close();
  held.resolve();
  await soon(closed, "the close");
  assertEquals(await peer.closed, { kind: "peer" });
});

test("serve: it finishes when its listener is closed and the connections have ended", async () => {
  const listener = memoryListener();
  const server = serve(listener, echo());
  const peer = await talk(listener.dial(1));
  let finished = false;
  server.finished.then(() => finished = true);
  await listener.close();
  peer.sender.trySend([3]);
  assertEquals(await peer.messages(2), [[1, 2], [3]]);
  assertEquals(finished, false);
  await peer.connection.close();
  await soon(server.finished, "the server to finish");
});

test("serve: it rejects when its listener breaks, once the connections have ended", async () => {
  const broken = new TransportError("other", "no file left");
  const gate = deferred();
  const [here, there] = duplexPair();
  const listener: Listener = {
    address: { transport: "unix", path: "breaks" },
    close: () => Promise.resolve(),
    async *[Symbol.asyncIterator]() {
      yield there;
      await gate.promise;
      throw broken;
    },
    async [Symbol.asyncDispose]() {},
  };
  const server = serve(listener, echo());
  const peer = await talk(here);
  gate.resolve();
  await turn();
  peer.sender.trySend([3]);
  assertEquals(await peer.messages(2), [[1, 2], [3]]);
  await peer.connection.close();
  // Nobody awaits it yet: that must not count as an unhandled rejection.
  await turn();
  assertStrictEquals(await soon(assertRejects(() => server.finished), "the end"), broken);
  await soon(server.close(), "the close");
});

test("serve: a connector that never settles is given up, and its place is free again", async () => {
  const listener = memoryListener();
  const told = deferred<unknown>();
  let calls = 0;
  await using _server = serve<number[]>(
    listener,
    (duplex) => calls++ === 0 ? new Promise(() => {}) : echo()(duplex),
    { maxConnections: 1, connectorTimeout: 1, onConnectError: told.resolve },
  );
  const hung = new Peer(listener.dial(1));
  const error = await soon(told.promise, "the connector's time to be over");
  assertInstanceOf(error, TransportError);
  assertEquals(error.code, "timed-out");
  assertEquals((await hung.closed).kind, "error");
  await talk(listener.dial(2));
});

test("serve: a close does not wait for a connector longer than its timeout", async () => {
  const listener = memoryListener();
  const [began, told] = [deferred(), deferred<unknown>()];
  const server = serve<number[]>(listener, () => {
    began.resolve();
    return new Promise(() => {});
  }, { connectorTimeout: 0, onConnectError: told.resolve });
  const peer = new Peer(listener.dial(1));
  await soon(began.promise, "the connector");
  await soon(server.close({ timeout: 1 }), "the close");
  assertInstanceOf(await told.promise, TransportError);
  assertEquals((await peer.closed).kind, "error");
});
