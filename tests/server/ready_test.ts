// What a server tells of itself: whether it is ready, who is connected, what went wrong.
import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type ConnectionError, serve, type ServedConnection } from "@protosocket/protosocket";
import { RpcClient, serveRpc } from "@protosocket/protosocket/rpc";
import { Peer } from "../support/connections.ts";
import { End } from "../support/end.ts";
import { framesCodec } from "../support/framing.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { deferred, soon, until } from "../support/within.ts";

const echo = () => ({
  codec: framesCodec(),
  reactor: (sender: { send(message: number[]): Promise<void> }) => ({
    onInboundMessage: (message: number[]) => sender.send(message),
  }),
});

async function talk(peer: Peer, count: number): Promise<void> {
  peer.sender.trySend([count]);
  assertEquals((await peer.messages(count)).at(-1), [count]);
}

test("ready: false as soon as a close begins, while the server goes on for the delay", async () => {
  const listener = memoryListener();
  const server = serve(listener, echo);
  assertEquals(server.ready, true);
  const before = new Peer(listener.dial(1));
  await talk(before, 1);
  const closed = server.close({ delay: 300 });
  assertEquals(server.ready, false);
  // A load balancer that has not noticed yet still sends clients here.
  const after = new Peer(listener.dial(2));
  await talk(after, 1);
  await talk(before, 2);
  await soon(closed, "the close");
  assertEquals([await before.closed, await after.closed].map(({ kind }) => kind), ["peer", "peer"]);
  assertEquals(server.connections.size, 0);
});

test("ready: without a delay, a close begins at once", async () => {
  const listener = memoryListener();
  const server = serve(listener, echo);
  await soon(server.close(), "the close");
  assertEquals(server.ready, false);
  assertThrows(() => server.close({ delay: -1 }), RangeError, "delay");
  assertThrows(
    () => server.close(1000 as never),
    TypeError,
    "options must be an object of options",
  );
  assertThrows(() => server.close({ delay: 2 ** 31 }), RangeError, "delay");
});

test("ready: close may be the listener of a signal, which passes its name", async () => {
  const server = serve(memoryListener(), echo);
  const onSignal = server.close as (name: string, number: number) => Promise<void>;
  await soon(onSignal("SIGTERM", 15), "the close");
});

test("ready: a delay ends with the listener and its last connection", async () => {
  const listener = memoryListener();
  const server = serve(listener, echo);
  const peer = new Peer(listener.dial(1));
  await talk(peer, 1);
  await listener.close();
  const closed = server.close({ delay: 2 ** 31 - 1 });
  await talk(peer, 2);
  await peer.connection.close();
  await soon(closed, "the close");
  assertEquals((await peer.closed).kind, "local");
});

test("ready: false when the listener has failed", async () => {
  const failing = { ...memoryListener(), [Symbol.asyncIterator]: failNow };
  const server = serve(failing, echo);
  await server.finished.catch(() => {});
  assertEquals(server.ready, false);
});

// deno-lint-ignore require-yield
async function* failNow(): AsyncGenerator<never, void> {
  throw new Error("no descriptors");
}

test("connections: who, since when, how many bytes, how much in flight", async () => {
  const listener = memoryListener("192.0.2.7");
  const gate = deferred();
  await using server = serveRpc<Message, Message>(listener, {
    codec: jsonCodec,
    messages,
    service: () => async ({ body: asked }) => (await gate.promise, body(asked)),
  });
  const earlier = Date.now();
  const client = new RpcClient<Message, Message>(listener.dial(7), {
    codec: jsonCodec(),
    messages,
  });
  const calls = [1, 2, 3].map((number) => client.unary(body(number)));
  const one = () => [...server.connections][0];
  await until(() => one()?.inFlight === 3, () => `${one()?.inFlight} in flight`);
  const served = one()!;
  assertEquals(served.remoteAddress, { transport: "tcp", hostname: "192.0.2.7", port: 7 });
  assert(served.since.getTime() >= earlier && served.since.getTime() <= Date.now());
  assert(served.bytesReceived > 0);
  assertEquals(served.bytesSent, 0);
  gate.resolve();
  await soon(Promise.all(calls), "the answers");
  await until(() => served.inFlight === 0, () => `${served.inFlight} in flight`);
  assert(served.bytesSent > 0);
  await client.close();
});

test("connections: of those that fail, the server tells", async () => {
  const listener = memoryListener();
  const told = deferred<[unknown, ServedConnection]>();
  await using server = serve<number[]>(listener, echo, {
    onConnectionError: (error, connection) => {
      told.resolve([error, connection]);
      throw new Error("this must not end the server");
    },
  });
  const bad = new End(listener.dial(2));
  await bad.write(new Uint8Array([255]));
  const [error, served] = await soon(told.promise, "the error");
  assertEquals((error as ConnectionError).code, "invalid-message");
  const reason = await served.closed;
  assertStrictEquals(reason.kind === "error" && reason.error, error);
  await talk(new Peer(listener.dial(3)), 1);
  assertEquals(server.connections.size, 1);
});

test("connections: by default the log has each kind of failure once, and none of clients that go", async () => {
  const { error: log } = console;
  const said: unknown[][] = [];
  console.error = (...words) => said.push(words);
  try {
    const listener = memoryListener();
    await using server = serve<number[]>(listener, echo);
    for (let i = 0; i < 3; i++) {
      const gone = new End(listener.dial(1));
      await gone.abort();
      const bad = new End(listener.dial(2));
      await bad.write(new Uint8Array([255]));
      await bad.broken();
    }
    await talk(new Peer(listener.dial(3)), 1);
    await server.close();
  } finally {
    console.error = log;
  }
  // On a slow machine they may be more than a second apart.
  const codes = said.map(([, error]) => (error as ConnectionError).code);
  assertEquals([...new Set(codes)], ["invalid-message"]);
  assertMatch(String(said[0]![0]), /^protosocket: a connection from .* failed/);
});
