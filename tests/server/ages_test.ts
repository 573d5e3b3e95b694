// Connections that have become old are drained: nothing that is in progress is lost.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair } from "@protosocket/protosocket";
import { RpcClient, type RpcServerConfig, serveRpc } from "@protosocket/protosocket/rpc";
import { Ages } from "../../src/server/_ages.ts";
import type { ServedConnection } from "../../src/server/served_connection.ts";
import { countTimers } from "../support/count_timers.ts";
import { framesCodec } from "../support/framing.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../support/rpc.ts";
import { deferred, outcome, soon } from "../support/within.ts";

/** A server whose handlers wait for a gate. */
function gated(options: Partial<RpcServerConfig<Message, Message>>) {
  const gate = deferred();
  const begun = deferred();
  const listener = memoryListener();
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    service: () => async ({ body: asked }) => {
      begun.resolve();
      await gate.promise;
      return body(asked);
    },
    ...options,
  });
  const dial = () =>
    new RpcClient<Message, Message>(listener.dial(1), { codec: jsonCodec(), messages });
  return { gate, begun, server, dial };
}

/** Waits until a server has said that it goes away. */
function goesAway(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = deferred();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve());
  return soon(promise, "the news that the server goes away");
}

test("ages: an old connection is drained, and what is in progress is answered", async () => {
  const { gate, begun, server, dial } = gated({ maxConnectionAge: 20 });
  const client = dial();
  const call = client.unary(body("old"));
  await soon(begun.promise, "the handler");
  await goesAway(client.goingAway);
  const late = await rpcError(outcome(client.unary(body("late"))), "connection-closed");
  assertEquals(late.sent, false);
  gate.resolve();
  assertEquals((await soon(call, "the answer")).body, "old");
  await soon(client.closed, "the end");
  // The server itself goes on.
  assertEquals(server.ready, true);
  const next = dial();
  assertEquals((await soon(next.unary(body("next")), "an answer")).body, "next");
  await next.close();
  await server.close();
});

test("ages: what takes longer than the grace is cancelled", async () => {
  const { begun, server, dial } = gated({ maxConnectionAge: 20, maxConnectionAgeGrace: 20 });
  const call = outcome(dial().unary(body("never")));
  await soon(begun.promise, "the handler");
  await rpcError(call, "cancelled");
  await soon(server.close({ timeout: 0 }), "the server's end");
});

test("ages: a server that closes does not wait for the grace", async () => {
  const { begun, server, dial } = gated({ maxConnectionAge: 20 });
  const client = dial();
  const call = outcome(client.unary(body("never")));
  await soon(begun.promise, "the handler");
  await goesAway(client.goingAway);
  await soon(server.close({ timeout: 5 }), "the server's end");
  await rpcError(call, "cancelled");
});

test("ages: the first of two timeouts of a drain counts", async () => {
  for (const timeouts of [[60_000, 5], [5, 60_000]]) {
    const [here, there] = duplexPair();
    const timer = deferred<unknown>();
    const connection = new Connection<number[]>(here, {
      codec: framesCodec(),
      reactor: () => ({
        onInboundMessage: () => {},
        onDrain: (signal) =>
          new Promise<void>((resolve) =>
            signal.addEventListener("abort", () => (timer.resolve(signal.reason), resolve()))
          ),
      }),
    });
    const { left } = await countTimers(async () => {
      for (const timeout of timeouts) connection.drain({ timeout });
      await soon(timer.promise, "the shorter timeout");
      there.writable.abort().catch(() => {});
      await soon(connection.closed, "the end");
    });
    assertEquals(left, []);
  }
});

test("ages: they differ by a tenth in each direction", async () => {
  const never = { drain: () => {} } as unknown as ServedConnection;
  const { started, left } = await countTimers(() => {
    const ages = new Ages(10_000, 0);
    for (let i = 0; i < 1000; i++) ages.begin(never)();
    return Promise.resolve();
  });
  assertEquals([started.length, left], [1000, []]);
  assert(started.every((age) => age >= 9000 && age <= 11_000));
  assert(Math.min(...started) < 9200 && Math.max(...started) > 10_800);
});

test("ages: without an age there is no timer", async () => {
  const never = {} as ServedConnection;
  const { started } = await countTimers(() => {
    new Ages(0, 0).begin(never)();
    return Promise.resolve();
  });
  assertEquals(started, []);
});

test("ages: values out of range are refused by name", () => {
  for (const option of ["maxConnectionAge", "maxConnectionAgeGrace"]) {
    for (const value of [-1, 0.5, NaN, 2 ** 31]) {
      assertThrows(() => gated({ [option]: value }), RangeError, option);
    }
  }
});
