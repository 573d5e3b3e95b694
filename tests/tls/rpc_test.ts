// Rpcs over TLS, with the adapter of the runtime that this runs on.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { RpcClient, type RpcHandler, serveRpc } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { connect, listen, ours, trusting } from "../support/tls.ts";
import { deferred, fired, outcome, soon, turn } from "../support/within.ts";

async function serveOverTls(handler: RpcHandler<Message, Message>) {
  const listener = await listen({ port: 0, tls: ours });
  const server = serveRpc(listener, { codec: jsonCodec, messages, service: () => handler });
  const { address } = listener;
  assert(address.transport === "tcp");
  const duplex = await soon(connect({ port: address.port, tls: trusting }), "a connection");
  const client = new RpcClient<Message, Message>(duplex, { codec: jsonCodec(), messages });
  return { server, client };
}

/** Answers in a later turn; a number, with a stream of as many items. */
const service: RpcHandler<Message, Message> = async ({ body: asked }) => {
  await turn();
  return body(asked);
};

test("rpc over TLS: unary calls and streams", async () => {
  const { server, client } = await serveOverTls(({ body: asked }, { signal }) => {
    if (typeof asked !== "number") return service({ body: asked } as Message, { signal } as never);
    return (async function* () {
      for (let i = 0; i < asked; i++) yield body(i);
    })();
  });
  const text = "0123456789abcdef".repeat(100_000);
  const unary = ["", "hello", text].map(async (asked) => {
    assertEquals((await client.unary(body(asked))).body === asked, true);
  });
  const streams = [0, 1, 3000].map(async (count) => {
    let next = 0;
    for await (const item of client.streaming(body(count))) assertEquals(item.body, next++);
    assertEquals(next, count);
  });
  await soon(Promise.all([...unary, ...streams]), "the answers");
  assertEquals(await soon(client.close(), "the client's end"), { kind: "local" });
  await soon(server.close(), "the server's end");
});

test("rpc over TLS: a Cancel reaches the handler", async () => {
  const stuck = deferred<AbortSignal>();
  const { server, client } = await serveOverTls((_, { signal }) => {
    stuck.resolve(signal);
    return new Promise(() => {});
  });
  const stop = new AbortController();
  const call = outcome(client.unary(body("hang"), { signal: stop.signal }));
  const signal = await soon(stuck.promise, "the request");
  const told = fired(signal);
  stop.abort();
  assertEquals((await soon(call, "the call's end")).kind, "error");
  await soon(told, "the handler's signal");
  await client.close();
  await soon(server.close(), "the server's end");
});

for (const who of ["client", "server"] as const) {
  test(`rpc over TLS: no response is lost when the ${who} closes in order`, async () => {
    const asked = Array.from({ length: 200 }, (_, i) => "x".repeat(i * 50));
    const [all, gate] = [deferred(), deferred()];
    let accepted = 0;
    const { server, client } = await serveOverTls(async ({ body: text }) => {
      if (++accepted === asked.length) all.resolve();
      await gate.promise;
      return body(text);
    });
    const calls = asked.map((text) => client.unary(body(text)));
    await soon(all.promise, "the requests");
    const ended = who === "client" ? client.drain() : server.close();
    gate.resolve();
    const answers = await soon(Promise.all(calls), "the answers");
    assertEquals(answers.map((answer) => answer.body), asked);
    await soon(Promise.resolve<unknown>(ended), `the ${who}'s end`);
    await client.close();
    await soon(server.close(), "the server's end");
  });
}
