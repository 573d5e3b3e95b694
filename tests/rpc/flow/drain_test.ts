// Ends in order: what was accepted is answered, what comes late is refused.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RpcClient, RpcError, type RpcServerConfig, serveRpc } from "@protosocket/protosocket/rpc";
import { memoryListener } from "../../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../../support/rpc.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

type Config = RpcServerConfig<Message, Message>;

/** A server whose handlers wait for a gate, and a client of it. */
function gated(options: Partial<Config> = {}) {
  const gate = deferred();
  const begun = deferred();
  const signals: AbortSignal[] = [];
  const listener = memoryListener();
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    service: () => async ({ body: asked }, { signal }) => {
      signals.push(signal);
      begun.resolve();
      await gate.promise;
      return body(asked);
    },
    ...options,
  });
  const client = new RpcClient<Message, Message>(listener.dial(1), {
    codec: jsonCodec(),
    messages,
  });
  return { gate, begun, signals, server, client };
}

test("a server that closes answers what it accepted, and begins nothing after", async () => {
  const { gate, begun, signals, server, client } = gated();
  const accepted = Array.from({ length: 50 }, (_, i) => client.unary(body(i)));
  await soon(begun.promise, "the first handler");
  // All were dispatched in one turn, so the handlers of all 50 have begun.
  const closed = server.close();
  const late = await rpcError(outcome(client.unary(body("late"))), "connection-closed");
  assertEquals([late.sent, client.isAlive, signals.length], [false, false, 50]);
  gate.resolve();
  const answers = await soon(Promise.all(accepted), "the answers");
  assertEquals(answers.map((answer) => answer.body), [...Array(50).keys()]);
  await soon(closed, "the server's end");
  assertEquals(await client.closed, { kind: "peer" });
});

test("a server that closes cancels what is not done at its timeout", async () => {
  const { begun, signals, server, client } = gated();
  const call = outcome(client.unary(body("never")));
  await soon(begun.promise, "the handler");
  await soon(server.close({ timeout: 5 }), "the server's end");
  await rpcError(call, "cancelled");
  assert(signals[0]!.aborted && signals[0]!.reason instanceof RpcError);
  assertThrows(() => server.close({ timeout: -1 }), RangeError, "timeout");
});

test("a client that drains gets its answers, and takes no more calls", async () => {
  const { gate, begun, client } = gated();
  const calls = [client.unary(body(1)), client.unary(body(2))];
  await soon(begun.promise, "the first handler");
  const drained = client.drain();
  assertEquals(client.isAlive, false);
  await rpcError(outcome(client.unary(body("late"))), "connection-closed");
  gate.resolve();
  assertEquals((await soon(Promise.all(calls), "the answers")).length, 2);
  assertEquals(await soon(drained, "the end"), { kind: "local" });
});

test("a client that drains gives up at its timeout, and cancels at the server", async () => {
  const { begun, signals, client } = gated();
  const call = outcome(client.unary(body("never")));
  await soon(begun.promise, "the handler");
  const cancelled = deferred();
  signals[0]!.addEventListener("abort", () => cancelled.resolve());
  assertEquals(await soon(client.drain({ timeout: 5 }), "the end"), { kind: "local" });
  await rpcError(call, "connection-closed");
  await soon(cancelled.promise, "the handler's signal");
});

test("a client without calls drains at once", async () => {
  const { client } = gated();
  assertEquals(await soon(client.drain(), "the end"), { kind: "local" });
  assertEquals(await soon(client.drain(), "the same end"), { kind: "local" });
});

test("heartbeats keep an otherwise silent client and server connected", async () => {
  const beats = { interval: 5 };
  const { server, client, gate, begun } = gated({
    idleTimeout: 2000,
    heartbeat: { ...beats, message: () => messages.response.ended(0) },
  });
  const call = client.unary(body("slow"));
  await soon(begun.promise, "the handler");
  await new Promise((resolve) => setTimeout(resolve, 50));
  gate.resolve();
  assertEquals((await soon(call, "the answer")).body, "slow");
  await client.close();
  await server.close();
});

test("a client's heartbeat is an ordinary message to the server, and not an RPC", async () => {
  const listener = memoryListener();
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    service: () => ({ body: asked }) => body(asked),
    idleTimeout: 500,
  });
  await using client = new RpcClient<Message, Message>(listener.dial(1), {
    codec: jsonCodec(),
    messages,
    heartbeat: { interval: 5, message: () => messages.request.ended(0) },
  });
  // Longer than the server's patience with a silent client.
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals((await soon(client.unary(body("still here")), "the answer")).body, "still here");
  assertEquals(client.inFlight, 0);
  await client.close();
  await server.close();
});
