// Rpcs over a real socket, with the adapter of the runtime that this runs on.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type ConnectionOptions, EncodeBuffer } from "@protosocket/protosocket";
import {
  refused,
  RpcClient,
  type RpcHandler,
  type RpcServerOptions,
  serveRpc,
} from "@protosocket/protosocket/rpc";
import { sockets } from "../../examples/support/sockets.ts";
import { body, jsonCodec, type Message, messages, normal, Peer, rpcError } from "../support/rpc.ts";
import { type Deferred, deferred, fired, outcome, soon } from "../support/within.ts";

/** A server on a free port, and ways to reach it. */
async function serveOnSocket(
  handler: RpcHandler<Message, Message>,
  options: ConnectionOptions & RpcServerOptions = {},
) {
  const { connect, listen } = await sockets();
  const listener = await listen({ hostname: "127.0.0.1", port: 0 });
  const server = serveRpc(listener, {
    codec: jsonCodec,
    messages,
    service: () => handler,
    onError() {},
    ...options,
  });
  const { address } = listener;
  assert(address.transport === "tcp");
  const dial = () => connect({ hostname: "127.0.0.1", port: address.port });
  const client = async () =>
    new RpcClient<Message, Message>(await dial(), { codec: jsonCodec(), messages });
  return { server, dial, client };
}

/** Answers an echo, a stream of as many items as asked, a refusal, or nothing. */
function service(stuck: Deferred<AbortSignal>): RpcHandler<Message, Message> {
  return ({ body: asked }, { signal }) => {
    if (asked === "refuse") return refused;
    if (asked === "hang") {
      stuck.resolve(signal);
      return new Promise(() => {});
    }
    if (typeof asked !== "number") return Promise.resolve(body(asked));
    return (async function* () {
      for (let i = 0; i < asked; i++) yield body(i);
    })();
  };
}

test("unary calls and streams over a socket", async () => {
  const { server, client } = await serveOnSocket(service(deferred()));
  const clients = await Promise.all([client(), client()]);
  const work = clients.flatMap((client) => [
    ...Array.from({ length: 500 }, async (_, i) => {
      assertEquals((await client.unary(body(`echo ${i}`))).body, `echo ${i}`);
    }),
    ...[0, 1, 3000].map(async (count) => {
      let next = 0;
      for await (const item of client.streaming(body(count))) assertEquals(item.body, next++);
      assertEquals(next, count);
    }),
    rpcError(outcome(client.unary(body("refuse"))), "cancelled"),
  ]);
  await soon(Promise.all(work), "all calls");
  for (const client of clients) {
    assertEquals(await soon(client.close(), "the client's end"), { kind: "local" });
  }
  await soon(server.close(), "the server's end");
});

test("a body of a few megabytes goes both ways over a socket", async () => {
  const { server, client } = await serveOnSocket(service(deferred()));
  const large = "0123456789abcdef".repeat(200_000);
  const caller = await client();
  const answers = await soon(
    Promise.all([1, 2, 3].map((i) => caller.unary(body(`${i}${large}`)))),
    "the answers",
  );
  assert(answers.every((answer, i) => answer.body === `${i + 1}${large}`));
  await caller.close();
  await soon(server.close(), "the server's end");
});

test("a Cancel reaches the handler over a socket", async () => {
  const stuck = deferred<AbortSignal>();
  const { server, client } = await serveOnSocket(service(stuck));
  const caller = await client();
  const controller = new AbortController();
  const call = outcome(caller.unary(body("hang"), controller));
  const signal = await soon(stuck.promise, "the handler");
  const told = fired(signal);
  controller.abort();
  await soon(told, "the handler's signal");
  assertEquals(signal.reason.code, "cancelled");
  assertEquals((await call).kind, "error");
  await caller.close();
  await soon(server.close(), "the server's end");
});

test("a client that aborts fires its handlers' signals, over a socket", async () => {
  const stuck = deferred<AbortSignal>();
  // Not every runtime can reset a connection. An end in order looks like one that
  // still waits for its answers: it gets them within drainTimeout, or not at all.
  const { server, client } = await serveOnSocket(service(stuck), { drainTimeout: 20 });
  const caller = await client();
  const call = outcome(caller.unary(body("hang")));
  const signal = await soon(stuck.promise, "the handler");
  const told = fired(signal);
  caller.abort();
  await soon(told, "the handler's signal");
  assertEquals(signal.reason.code, "connection-closed");
  await rpcError(call, "connection-closed");
  await soon(server.close(), "the server's end");
});

test("a server that closes cancels the calls in flight at its timeout, over a socket", async () => {
  const stuck = deferred<AbortSignal>();
  const { server, client } = await serveOnSocket(service(stuck));
  const caller = await client();
  const call = outcome(caller.unary(body("hang")));
  await soon(stuck.promise, "the handler");
  const closed = server.close({ timeout: 0 });
  await rpcError(call, "cancelled");
  await soon(closed, "the server's end");
  assertEquals(await soon(caller.closed, "the client's end"), { kind: "peer" });
});

test("a half-closed socket still brings all answers", async () => {
  const { server, dial } = await serveOnSocket(
    async ({ body: asked }) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return body(asked);
    },
    { maxConcurrentRpcs: 50 },
  );
  const peer = new Peer(await dial());
  await peer.send(...Array.from({ length: 500 }, (_, i) => normal(i, i)));
  await peer.end();
  const answers = await peer.rest();
  const bodies = answers.map(({ body }) => Number(body)).sort((a, b) => a - b);
  assertEquals(bodies, [...Array(500).keys()]);
  await soon(server.close(), "the server's end");
});

test("bytes that are no message end their own connection only, over a socket", async () => {
  const { server, dial, client } = await serveOnSocket(service(deferred()));
  const caller = await client();
  const { readable, writable } = await dial();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const out = new EncodeBuffer();
  out.write(new Uint8Array(11).fill(0xff));
  await writer.write(out.take());
  const reader = readable.getReader();
  const ending = (async () => {
    while (!(await reader.read()).done);
  })();
  await soon(outcome(ending), "the end of the bad connection");
  assertEquals((await soon(caller.unary(body("still here")), "an answer")).body, "still here");
  await writer.abort().catch(() => {});
  await caller.close();
  await soon(server.close(), "the server's end");
});
