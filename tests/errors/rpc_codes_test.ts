// Each code of an RpcError, made once in each way to call; its error tells which rpc it was, with
// whom, and where the call was made.
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { RpcClient, RpcError, type RpcErrorCode, RpcPool } from "@protosocket/protosocket/rpc";
import { body, cancel, jsonCodec, type Message, messages, normal, Peer } from "../support/rpc.ts";
import { runtime } from "../support/runtime.ts";
import { deferred, soon } from "../support/within.ts";
import { ADDRESS, errorOf, pairFrom } from "./support.ts";

interface Made {
  /** What is asked; what an encoder cannot take, if need be. */
  readonly request?: unknown;
  readonly timeout?: number;
  /** Further requests. */
  readonly requests?: Message[];
  /** What the server does once it has the request. */
  readonly answer?: (peer: Peer, request: Message) => unknown;
  /** Whether the pool cannot connect. */
  readonly down?: boolean;
  /** The expected `sent` of the error. */
  readonly sent?: boolean;
}

const MADE: Record<Exclude<RpcErrorCode, "stream-overflow">, Made> = {
  cancelled: { answer: (peer, { id }) => peer.send(cancel(id)) },
  // The id differs in its lowest bit: the answer is of the other kind.
  "answer-mismatch": { answer: (peer, { id }) => peer.send(cancel(Number(id) ^ 1)) },
  "connection-closed": { answer: (peer) => peer.abort(), sent: true },
  "deadline-exceeded": { timeout: 5 },
  "encode-failed": { request: 1n },
  // It has not said that it takes streams of requests.
  unsupported: { requests: [], answer: (peer, { id }) => peer.send(normal(id, "answer")) },
  unavailable: { down: true, sent: false },
};

/** The ways to make a call. */
const WAYS = {
  "client.unary": (client: Client, _: Pool, made: Made) =>
    client.unary(body(made.request ?? "x"), made),
  "client.streaming": (client: Client, _: Pool, made: Made) =>
    client.streaming(body(made.request ?? "x"), made).next(),
  "pool.unary": (_: Client, pool: Pool, made: Made) => pool.unary(body(made.request ?? "x"), made),
  "pool.streaming": (_: Client, pool: Pool, made: Made) =>
    pool.streaming(body(made.request ?? "x"), made).next(),
};

type Client = RpcClient<Message, Message>;
type Pool = RpcPool<Message, Message, string>;

/** One that knows its server's address; a call has been made on it before. */
async function clientAndPeer(): Promise<{ client: Client; peer: Peer }> {
  const [here, there] = pairFrom();
  const client = new RpcClient(here, { codec: jsonCodec(), messages });
  const peer = new Peer(there);
  const first = client.unary(body("first"));
  await peer.send(normal((await peer.next()).id, "answer"));
  await soon(first, "the first answer");
  return { client, peer };
}

for (const [code, made] of Object.entries(MADE)) {
  for (const [way, call] of Object.entries(WAYS)) {
    if (made.down && way.startsWith("client")) continue;
    test(`RpcError ${code}, ${way}: names the RPC, the peer and the caller`, async () => {
      const { client, peer } = await clientAndPeer();
      const down = new TransportError("refused", "It is down");
      const pool: Pool = new RpcPool({
        endpoints: ["a"],
        slots: 1,
        connect: () => made.down ? Promise.reject(down) : Promise.resolve(client),
      });
      async function thisCaller(): Promise<unknown> {
        return await call(client, pool, made);
      }
      const failure = errorOf(thisCaller(), code);
      if (made.answer) await made.answer(peer, await peer.next());
      const error = await failure;
      client.abort();
      await pool.close();

      assertInstanceOf(error, RpcError);
      assertEquals([error.code, error.sent], [code, made.sent]);
      if (made.down) assertEquals(error.cause, down);
      else assertEquals([error.id, error.remoteAddress], [way.endsWith("unary") ? 4 : 5, ADDRESS]);
      // JavaScriptCore does not follow a promise to whoever awaits it.
      if (runtime !== "bun") assertMatch(error.stack ?? "", /async thisCaller/);
    });
  }
}

test("RpcError: calls made after the end of a client or a pool were never sent", async () => {
  const { client } = await clientAndPeer();
  const pool: Pool = new RpcPool({ endpoints: ["a"], connect: () => Promise.resolve(client) });
  client.abort();
  await pool.close();
  for (const [way, call] of Object.entries(WAYS)) {
    const thisCaller = async () => await call(client, pool, {});
    const error = await errorOf(thisCaller(), way);
    assertInstanceOf(error, RpcError);
    assertEquals([error.code, error.sent, error.id], ["connection-closed", false, undefined]);
    if (way.startsWith("client")) assertEquals(error.remoteAddress, ADDRESS);
    if (runtime !== "bun") assertMatch(error.stack ?? "", /thisCaller/);
  }
});

test("RpcError: leaving a stream throws nothing, and the observer gets the error", async () => {
  const [here, there] = pairFrom();
  const heard = deferred<unknown>();
  const client = new RpcClient(here, {
    codec: jsonCodec(),
    messages,
    rpcObserver: { onRpc: () => heard.resolve },
  });
  const peer = new Peer(there);
  const stream = client.streaming(body("x"));
  await peer.next();
  assert((await stream.return()).done);
  const error = await soon(heard.promise, "the end of the rpc");
  client.abort();
  assertInstanceOf(error, RpcError);
  assertEquals([error.code, error.id, error.remoteAddress], ["cancelled", 3, ADDRESS]);
});

test("RpcError stream-overflow: names the RPC, the peer and the caller", async () => {
  const [here, there] = pairFrom();
  const client = new RpcClient(here, { codec: jsonCodec(), messages, maxBufferedBytes: 1 });
  const peer = new Peer(there);
  const stream = client.streaming(body("x"));
  const other = errorOf(client.unary(body("y")), "the other call");
  const { id } = await peer.next();
  await peer.send(normal(id, 1), normal(id, 2));
  async function thisCaller(): Promise<void> {
    for await (const _ of stream);
  }
  // Not before both items are here.
  while (client.inFlight > 1) await new Promise((resolve) => setTimeout(resolve, 0));
  const error = await errorOf(thisCaller(), "the overflow");
  client.abort();
  await other;
  assertInstanceOf(error, RpcError);
  assertEquals([error.code, error.id, error.sent], ["stream-overflow", id, undefined]);
  assertEquals(error.remoteAddress, ADDRESS);
  if (runtime !== "bun") assertMatch(error.stack ?? "", /async thisCaller/);
});
