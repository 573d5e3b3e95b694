// Remote procedure calls over WebSockets, on the listener of the runtime.
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { RpcClient, serveRpc } from "../../src/rpc/mod.ts";
import { body, end, jsonCodec, type Message, messages, normal, Peer } from "../support/rpc.ts";
import { deferred, soon } from "../support/within.ts";
import { dialWebSocket, listenWebSocket } from "./support.ts";

async function serving(answer: (asked: unknown) => unknown) {
  const server = serveRpc<Message, Message>(await listenWebSocket({ port: 0 }), {
    codec: () => jsonCodec(),
    messages,
    service: () => ({ body: asked }) => answer(asked) as Message,
  });
  const { port } = server.address as { port: number };
  return { server, port, [Symbol.asyncDispose]: () => server.close({ timeout: 1000 }) };
}

async function* items(): AsyncGenerator<Message> {
  for (let i = 0; i < 3; i++) yield body(i);
}

test("rpc over websocket: calls, streams, and a cancel", async () => {
  await using place = await serving((asked) =>
    asked === "stream" ? items() : asked === "never" ? new Promise(() => {}) : body(asked)
  );
  await using client = new RpcClient(await dialWebSocket(place.port), {
    codec: jsonCodec(),
    messages,
  });
  const calls = Array.from({ length: 200 }, (_, i) => client.unary(body(i)));
  for (const [i, call] of calls.entries()) assertEquals((await soon(call, "it")).body, i);
  const got: unknown[] = [];
  for await (const item of client.streaming(body("stream"))) got.push(item.body);
  assertEquals(got, [0, 1, 2]);
  const controller = new AbortController();
  const never = client.unary(body("never"), { signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => never), reason);
  assertEquals((await client.unary(body("goes on"))).body, "goes on");
});

test("rpc over websocket: a client that has ended its side still gets all its answers", async () => {
  const later = deferred<Message>();
  await using place = await serving((asked) => asked === "stream" ? items() : later.promise);
  const peer = new Peer(await dialWebSocket(place.port));
  await peer.send(normal(1, "unary"), normal(2, "stream"));
  await peer.end();
  assertEquals(await peer.take(4), [normal(2, 0), normal(2, 1), normal(2, 2), end(2)]);
  later.resolve(body("answer"));
  assertEquals(await peer.rest(), [normal(1, "answer")]);
});

test("rpc over websocket: a server that closes finishes the requests that it has", async () => {
  const later = deferred<Message>();
  const asked = deferred();
  await using place = await serving(() => (asked.resolve(), later.promise));
  await using client = new RpcClient(await dialWebSocket(place.port), {
    codec: jsonCodec(),
    messages,
  });
  const call = client.unary(body("late"));
  await soon(asked.promise, "the request");
  const closed = place.server.close();
  later.resolve(body("done"));
  assertEquals((await soon(call, "the answer")).body, "done");
  await soon(closed, "the server's end");
  assertEquals(place.server.connections.size, 0);
});
