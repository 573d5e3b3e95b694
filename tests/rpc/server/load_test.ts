// maxRpcs: a server that is overloaded answers what it can, and refuses the rest at once.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RpcClient, RpcPool, type RpcServerConfig, serveRpc } from "@protosocket/protosocket/rpc";
import { memoryListener } from "../../support/memory_listener.ts";
import {
  body,
  cancel,
  jsonCodec,
  type Message,
  messages,
  normal,
  Peer,
  rpcError,
} from "../../support/rpc.ts";
import { deferred, outcome, soon, until } from "../../support/within.ts";

type Config = RpcServerConfig<Message, Message>;

/** A server whose handlers wait for gates, one after the other. */
function gated(maxRpcs: number, options: Partial<Config> = {}) {
  const gates: { resolve(): void; reject(error: unknown): void }[] = [];
  const listener = memoryListener();
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    onError: () => {},
    service: () => async ({ body: asked }, { signal }) => {
      const gate = deferred();
      gates.push(gate);
      signal.addEventListener("abort", () => gate.resolve());
      await gate.promise;
      return body(asked);
    },
    maxRpcs,
    ...options,
  });
  const dial = () =>
    new RpcClient<Message, Message>(listener.dial(1), { codec: jsonCodec(), messages });
  const begun = (count: number) =>
    until(() => gates.length === count, () => `${gates.length} begun`);
  return { gates, server, listener, dial, begun };
}

/** A call that is not begun, and whose caller knows that. */
async function shed(client: RpcClient<Message, Message>): Promise<void> {
  const { sent } = await rpcError(outcome(client.unary(body("no"))), "unavailable");
  assertEquals(sent, false);
}

test("maxRpcs: counts over all connections; what is beyond it is not begun", async () => {
  const { gates, server, dial, begun } = gated(3);
  const [a, b] = [dial(), dial()];
  const calls = [a.unary(body(1)), a.unary(body(2)), b.unary(body(3))];
  await begun(3);
  for (const client of [a, b]) await shed(client);
  assertEquals(gates.length, 3);
  gates[0]!.resolve();
  assertEquals((await soon(calls[0]!, "an answer")).body, 1);
  // One has ended, so there is room for one.
  const next = b.unary(body(4));
  await begun(4);
  await shed(a);
  for (const gate of gates) gate.resolve();
  const answers = await soon(Promise.all([...calls, next]), "the answers");
  assertEquals(answers.map((answer) => answer.body), [1, 2, 3, 4]);
  await soon(server.close(), "the server's end");
});

test("maxRpcs: whatever way an RPC ends, it makes room", async () => {
  const { gates, server, dial, begun } = gated(1);
  const client = dial();
  // It fails.
  const failing = outcome(client.unary(body(1)));
  await begun(1);
  gates[0]!.reject(new Error("no"));
  await rpcError(failing, "cancelled");
  // It is cancelled.
  const abort = new AbortController();
  const cancelled = outcome(client.unary(body(2), { signal: abort.signal }));
  await begun(2);
  abort.abort();
  await soon(cancelled, "the end of a call");
  // It is refused.
  const held = client.unary(body(3));
  await begun(3);
  await shed(client);
  gates[2]!.resolve();
  await soon(held, "an answer");
  // Its connection is lost.
  const lost = dial();
  const gone = outcome(lost.unary(body(4)));
  await begun(4);
  lost.abort();
  await soon(gone, "the end of a call");
  await until(() => server.connections.size === 1, () => "the loss of a connection");
  const last = client.unary(body(5));
  await begun(5);
  gates[4]!.resolve();
  assertEquals((await soon(last, "an answer")).body, 5);
  await soon(server.close(), "the server's end");
});

test("maxRpcs: an observer sees what is refused, and its end", async () => {
  const seen: string[] = [];
  const { gates, server, dial, begun } = gated(1, {
    rpcObserver: {
      onRpc: ({ request }) => {
        seen.push(`begin ${request.body}`);
        return (error) => void seen.push(`end ${request.body} ${error ? "badly" : "well"}`);
      },
    },
  });
  const client = dial();
  const call = client.unary(body("a"));
  await begun(1);
  await rpcError(outcome(client.unary(body("b"))), "unavailable");
  gates[0]!.resolve();
  await soon(call, "an answer");
  await soon(server.close(), "the server's end");
  assertEquals(seen, ["begin a", "begin b", "end b badly", "end a well"]);
});

test("maxRpcs: numbers out of range are refused by name", () => {
  for (const value of [0, -1, 0.5, NaN, 2 ** 31 + 1]) {
    assertThrows(() => gated(value), RangeError, "maxRpcs");
  }
});

test("maxRpcs: a pool takes elsewhere what an overloaded server has not begun", async () => {
  const [full, free] = [gated(1), gated(10)];
  const busy = full.dial();
  const held = busy.unary(body("held"));
  await full.begun(1);
  await using pool = new RpcPool<Message, Message, string>({
    endpoints: ["full", "free"],
    connect: (endpoint) => Promise.resolve(endpoint === "full" ? full.dial() : free.dial()),
  });
  const calls = Array.from({ length: 9 }, (_, i) => pool.unary(body(i)));
  await free.begun(9);
  for (const gate of [...full.gates, ...free.gates]) gate.resolve();
  const answers = await soon(Promise.all(calls), "the answers");
  assertEquals(answers.map((answer) => answer.body), [...Array(9).keys()]);
  assertEquals((await soon(held, "an answer")).body, "held");
  assertEquals(full.gates.length, 1);
  for (const { server } of [full, free]) await soon(server.close(), "a server's end");
});

test("maxRpcs: a client that has not announced itself gets a cancel", async () => {
  const { gates, server, listener, begun } = gated(1);
  const peer = new Peer(listener.dial(1));
  await peer.send(normal(2, "a"));
  await begun(1);
  await peer.send(normal(4, "b"));
  assertEquals(await peer.next(), cancel(4));
  gates[0]!.resolve();
  assertEquals(await peer.next(), normal(2, "a"));
  for (const connection of server.connections) connection.abort();
  await soon(server.close(), "the server's end");
});
