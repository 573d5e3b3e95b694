import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { quiet } from "../../support/quiet.ts";
import { body, clientAndPeer, end, type Message, normal, type Peer } from "../../support/rpc.ts";
import { soon } from "../../support/within.ts";
import type { RpcClient, RpcStream } from "@protosocket/protosocket/rpc";

/** A client that has stopped reading, for a stream of four items from a server that does not wait. */
async function stopped(
  config: Parameters<typeof clientAndPeer>[0] = {},
): Promise<[RpcClient<Message, Message>, Peer, RpcStream<Message>, number]> {
  const { client, peer } = clientAndPeer({ maxBufferedBytes: 1000, ...config });
  const stream = client.streaming(body("many"));
  const id = Number((await peer.next()).id);
  for (let i = 0; i < 4; i++) await peer.send(normal(id, "x".repeat(300)));
  await quiet(() => 0);
  return [client, peer, stream, id];
}

test("a stream that the connection waits for is left, and a call made, in one turn", async () => {
  const [client, peer, stream, id] = await stopped();
  stream.return();
  const calls = [client.unary(body(1)), client.unary(body(2))];
  assertEquals(client.inFlight, 2);
  const drained = client.drain({ timeout: 60_000 });
  const seen = await peer.take(3);
  assertEquals(seen.map(({ id, code }) => [id, code]).slice(0, 1), [[id, 1]]);
  for (const { id } of seen.slice(1)) await peer.send(normal(id, "done"));
  assertEquals((await soon(Promise.all(calls), "the answers")).map(({ body }) => body), [
    "done",
    "done",
  ]);
  await Promise.all([peer.rest(), peer.end()]);
  assertEquals((await soon(drained, "the end")).kind, "local");
});

test("an observer may make a call when a stream that the connection waits for is left", async () => {
  let first = true;
  const answers: Promise<Message>[] = [];
  const [client, peer, stream] = await stopped({
    rpcObserver: {
      onRpc: () => () => {
        if (first) answers.push(client.unary(body(1)));
        first = false;
      },
    },
  });
  stream.return();
  assertEquals(client.inFlight, 1);
  const [, request] = await peer.take(2);
  await peer.send(normal(request!.id, "done"));
  assertEquals((await soon(answers[0]!, "the answer")).body, "done");
  client.abort();
});

test("a reader that has just caught up does not lose its stream to the next call", async () => {
  const [client, peer, stream, id] = await stopped();
  const items = [stream.next(), stream.next(), stream.next(), stream.next()];
  const call = client.unary(body(1));
  await soon(Promise.all(items), "the items");
  await peer.send(end(id));
  assertEquals(await soon(stream.next(), "the end"), { done: true, value: undefined });
  // What the reader took was acknowledged before.
  let request = await peer.next();
  while (request.code !== 0) request = await peer.next();
  await peer.send(normal(request.id, "done"));
  assertEquals((await soon(call, "the answer")).body, "done");
  client.abort();
});
