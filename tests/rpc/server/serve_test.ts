import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { SocketDuplex } from "@protosocket/protosocket";
import { RpcClient, RpcError, type RpcServerConfig, serveRpc } from "@protosocket/protosocket/rpc";
import { memoryListener } from "../../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

type Config = RpcServerConfig<Message, Message>;

/** A server in memory, and a way to connect to it from a "port". */
function serveInMemory(service: Config["service"], options: Partial<Config> = {}) {
  const listener = memoryListener();
  const server = serveRpc(listener, { codec: jsonCodec, messages, service, ...options });
  const dial = (port = 1) =>
    new RpcClient<Message, Message>(listener.dial(port), { codec: jsonCodec(), messages });
  return { listener, server, dial };
}

function port({ remoteAddress }: SocketDuplex): number | undefined {
  return remoteAddress?.transport === "tcp" ? remoteAddress.port : undefined;
}

test("each connection has a service, a codec and state of its own", async () => {
  const ports: unknown[] = [];
  let codecs = 0;
  const { server, dial } = serveInMemory((duplex) => {
    ports.push(port(duplex));
    let count = 0;
    return () => body([port(duplex), ++count]);
  }, { codec: () => (codecs++, jsonCodec()) });
  const clients = [dial(7), dial(8)];
  for (const client of [...clients, ...clients]) await soon(client.unary(body("x")), "an answer");
  const answers = await soon(Promise.all(clients.map((c) => c.unary(body("x")))), "the answers");
  assertEquals(answers.map((answer) => answer.body), [[7, 3], [8, 3]]);
  assertEquals([ports, codecs], [[7, 8], 2]);
  assertEquals(server.connections.size, 2);
  await soon(Promise.all(clients.map((client) => client.close())), "the clients' end");
  await soon(server.close(), "the server's end");
  assertEquals(server.connections.size, 0);
});

test("a service that throws refuses its own connection and no other", async () => {
  const oops = new Error("not you");
  const refused: unknown[] = [];
  const { server, dial } = serveInMemory((duplex) => {
    if (port(duplex) === 7) throw oops;
    return () => body("fine");
  }, { onConnectError: (error, duplex) => refused.push(error, port(duplex)) });
  const [before, unwanted, after] = [dial(1), dial(7), dial(2)];
  await rpcError(outcome(unwanted.unary(body("x"))), "connection-closed");
  for (const client of [before, after]) {
    assertEquals((await soon(client.unary(body("x")), "an answer")).body, "fine");
  }
  assertEquals(refused, [oops, 7]);
  await Promise.all([before.close(), after.close()]);
  await soon(server.close(), "the server's end");
});

test("onError gets the address of the failed RPC's client", async () => {
  const errors: unknown[] = [];
  const { server, dial } = serveInMemory(
    () => () => Promise.reject("oops"),
    { onError: (...heard) => errors.push(heard) },
  );
  const client = dial(7);
  const { id } = await rpcError(outcome(client.unary(body("x"))), "cancelled");
  const remoteAddress = { transport: "tcp", hostname: "127.0.0.1", port: 7 };
  assertEquals(errors, [["oops", { id, remoteAddress }]]);
  await client.close();
  await soon(server.close(), "the server's end");
});

test("a bad option is a RangeError at once, not a refusal of each connection", () => {
  const service: Config["service"] = () => () => body("x");
  for (const name of ["maxConcurrentRpcs", "maxQueuedMessages", "maxBufferLength"] as const) {
    assertThrows(() => serveInMemory(service, { [name]: 0 }), RangeError, name);
  }
  assertThrows(() => serveInMemory(service, { drainTimeout: -1 }), RangeError, "drainTimeout");
});

test("close() cancels the RPCs in flight at its timeout, for handlers and clients", async () => {
  const signals: AbortSignal[] = [];
  const { listener, server, dial } = serveInMemory(() => (request, { signal }) => {
    if (request.body === "quick") return body("done");
    signals.push(signal);
    return new Promise(() => {});
  });
  const clients = [dial(), dial()];
  const calls = clients.map((client) => outcome(client.unary(body("slow"))));
  for (const client of clients) await soon(client.unary(body("quick")), "an answer");
  assertEquals(signals.length, 2);

  const closed = [server.close({ timeout: 0 }), server.close(), server[Symbol.asyncDispose]()];
  for (const call of calls) await rpcError(call, "cancelled");
  await soon(Promise.all([...closed, server.finished]), "the server's end");
  for (const { aborted, reason } of signals) {
    assert(aborted);
    assertInstanceOf(reason, RpcError);
    assertEquals(reason.code, "cancelled");
  }
  for (const client of clients) assertEquals(await client.closed, { kind: "peer" });
  assertEquals(server.connections.size, 0);
  await listener.close();
});

test("finished resolves when the listener has closed and the last connection ended", async () => {
  const { listener, server, dial } = serveInMemory(() => () => body("fine"));
  const client = dial();
  await soon(client.unary(body("x")), "an answer");
  await listener.close();
  assertEquals((await soon(client.unary(body("x")), "an answer")).body, "fine");
  assertEquals(server.connections.size, 1);
  await client.close();
  await soon(server.finished, "the server's end");
});
