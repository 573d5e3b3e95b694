// A reactor of ours that is spread into one of the user's.
import { Connection, duplexPair } from "@protosocket/protosocket";
import { type RpcAnswer, RpcClient, rpcReactor } from "@protosocket/protosocket/rpc";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { body, jsonCodec, type Message, messages, rpcError } from "../../support/rpc.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

/** A server that counts what arrives, and its client. */
function counting(handler: (request: Message) => RpcAnswer<Message>) {
  const [here, there] = duplexPair();
  const seen: unknown[] = [];
  const make = rpcReactor<Message, Message>(messages, handler, { onError: () => {} });
  const server = new Connection<Message>(there, {
    codec: jsonCodec(),
    reactor: (sender) => {
      const ours = make(sender);
      return {
        ...ours,
        onInboundMessage(message, bytes) {
          seen.push(message.body);
          return ours.onInboundMessage(message, bytes);
        },
      };
    },
    maxPipelinedBytes: 1,
  });
  const client = new RpcClient<Message, Message>(here, { codec: jsonCodec(), messages });
  return { server, client, seen };
}

test("spread rpcReactor: calls, streams and failures", async () => {
  const { server, client, seen } = counting(({ body: asked }) => {
    if (asked === "throw") throw new Error("oh");
    if (asked === "stream") return [body(1), body(2)].values();
    return body(`hello, ${asked}`);
  });
  assertEquals((await soon(client.unary(body("a")), "an answer")).body, "hello, a");
  await rpcError(outcome(client.unary(body("throw"))), "cancelled");
  const items: unknown[] = [];
  for await (const item of client.streaming(body("stream"))) items.push(item.body);
  assertEquals(items, [1, 2]);
  await soon(client.close(), "the close");
  assertEquals((await soon(server.closed, "the server's end")).kind, "peer");
  assertEquals(seen.filter((body) => typeof body === "string"), ["a", "throw", "stream"]);
});

test("spread rpcReactor: many at once, with a server that pipelines nothing", async () => {
  const { server, client } = counting((request) => Promise.resolve(body(request.body)));
  const all = await soon(
    Promise.all(Array.from({ length: 500 }, (_, i) => client.unary(body(i)))),
    "the answers",
  );
  assertEquals(all.map(({ body }) => body), Array.from({ length: 500 }, (_, i) => i));
  await soon(client.close(), "the close");
  await soon(server.closed, "the server's end");
});

test("spread rpcReactor: a drain waits for what is in progress", async () => {
  const { promise, resolve } = deferred<Message>();
  const begun = deferred<void>();
  const { server, client } = counting(() => {
    begun.resolve();
    return promise;
  });
  const answer = client.unary(body("a"));
  await soon(begun.promise, "the request");
  assertEquals(server.inFlight, 1);
  const drained = server.drain();
  resolve(body("late"));
  assertEquals((await soon(answer, "the answer")).body, "late");
  assertEquals((await soon(drained, "the drain")).kind, "local");
  await soon(client.close(), "the close");
});
