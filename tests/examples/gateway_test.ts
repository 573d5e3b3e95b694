import { create } from "@bufbuild/protobuf";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { gateway, join } from "../../examples/gateway/gateway.ts";
import {
  EchoRequestSchema,
  RequestSchema,
  ResponseBehavior,
} from "../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { duplexPair } from "../../mod.ts";
import { RpcError } from "../../src/rpc/mod.ts";
import type { Pair } from "../conformance/adapter.ts";
import { Flood, hold, maxTaken, standstill } from "../conformance/ends.ts";
import { accept, toReach } from "../conformance/sockets.ts";
import { randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { Program } from "../support/program.ts";
import { runtime } from "../support/runtime.ts";
import { outcome, soon, turn } from "../support/within.ts";
import { echoOver } from "../websocket/echo_client.ts";
import { dialWebSocket, listenWebSocket } from "../websocket/support.ts";

function request(message: string, responseBehavior: ResponseBehavior = ResponseBehavior.UNARY) {
  return create(RequestSchema, { body: create(EchoRequestSchema, { message }), responseBehavior });
}

test("example gateway: rpcs go through it, to the example's server", async () => {
  await using server = new Program("examples/proto/server.ts", ["127.0.0.1:0"]);
  const { address } = await server.listening();
  await using program = new Program("examples/gateway/server.ts", ["127.0.0.1:0", address]);
  const { port } = await program.listening();
  await using client = echoOver(await dialWebSocket(port));
  const { kind } = await soon(client.unary(request("hello")), "an answer");
  assertEquals(kind.value?.message, "hello");
  let text = "";
  for await (const { kind } of client.streaming(request("stream", ResponseBehavior.STREAM))) {
    text += kind.value?.message;
  }
  assertEquals(text, "stream");
  const large = "0123456789abcdef".repeat(1 << 16);
  const answer = await soon(client.unary(request(large)), "a large answer");
  assert(answer.kind.value?.message === large, "the large answer is another");
  // The server goes away, and the client hears of it.
  await server[Symbol.asyncDispose]();
  const late = await assertRejects(() => client.unary(request("late")), RpcError);
  assertEquals(late.code, "connection-closed");
});

/** The two ends of a gateway in this process. */
async function through(): Promise<Pair> {
  const { connect, listen } = await sockets();
  const target = await listen({ port: 0 });
  const listener = await listenWebSocket({ port: 0 });
  const running = gateway(listener, () => connect(toReach(target)));
  const { port } = listener.address as { port: number };
  const [client, server] = await Promise.all([dialWebSocket(port), accept(target)]);
  return {
    client,
    server,
    async close() {
      await Promise.all([listener.close(), target.close()]);
      await soon(running, "the gateway's end");
    },
  };
}

test("example gateway: an end goes through, and the answer after it", async () => {
  await using ends = hold(await through());
  const { client, server } = ends;
  const [question, answer] = [randomBytes(300_000, 1), randomBytes(400_000, 2)];
  const asked = client.write(question).then(() => client.close());
  assertEquals((await server.readAll()).length, question.length);
  await asked;
  const answered = server.write(answer).then(() => server.close());
  assertEquals((await client.readAll()).length, answer.length);
  await answered;
});

for (const which of ["client", "server"] as const) {
  test(`example gateway: a ${which} that breaks off breaks the other end`, async () => {
    await using ends = hold(await through());
    const other = which === "client" ? ends.server : ends.client;
    await ends[which].write(new Uint8Array([1]));
    await other.readExactly(1);
    await ends[which].abort();
    // Where there is no reset, it is an end.
    await soon(outcome(other.readAll()), "word of it");
    other.drop();
  });
}

for (const [slow, stopped] of [["server", "client"], ["client", "server"]] as const) {
  test(`example gateway: a ${slow} that does not read stops the ${stopped}`, {
    skip: runtime === "node" ? false : "this runtime's WebSockets cannot make the other end wait",
  }, async () => {
    await using ends = hold(await through());
    const flood = new Flood(ends[stopped]);
    const adapter = { name: "gateway", gaps: {}, holds: 96 * 1024 * 1024, open: through };
    const taken = await standstill(adapter, () => flood.taken);
    assert(taken > 0 && taken <= maxTaken(adapter), `${taken} bytes were taken`);
    // What was taken arrives when somebody reads.
    flood.stop();
    let got = 0;
    while (got < taken) got += (await soon(ends[slow].reader.read(), "a chunk")).value!.length;
  });
}

test("example gateway: a slow end stops both directions, and a loss is noticed meanwhile", async () => {
  const [client, near] = duplexPair({ capacity: 1000 });
  const [far, server] = duplexPair({ capacity: 1000 });
  const joined = outcome(join(near, far));
  const { writer, reader } = new End(client);
  let taken = 0;
  const flood = (async () => {
    for (;; taken++) await writer.write(new Uint8Array(1000));
  })();
  const failed = outcome(flood);
  // Nothing but turns moves what is in memory.
  for (let before = -1, turns = 0; turns < 10; turns++) {
    if (before !== taken) turns = 0;
    before = taken;
    await turn();
  }
  assert(taken > 0 && taken < 20, `${taken} kB are held`);
  await server.writable.abort(new Error("gone"));
  assertEquals((await soon(joined, "the end of both")).kind, "error");
  assertEquals((await soon(failed, "the flood")).kind, "error");
  await soon(outcome(reader.read()), "word of it");
});

test("example gateway: without a server, the client's connection fails", async () => {
  const { connect, listen } = await sockets();
  const gone = await listen({ port: 0 });
  await gone.close();
  await using listener = await listenWebSocket({ port: 0 });
  const said: unknown[] = [];
  const { error } = console;
  console.error = (text) => void said.push(text);
  try {
    gateway(listener, () => connect(toReach(gone)));
    const client = new End(await dialWebSocket((listener.address as { port: number }).port));
    assertEquals((await client.broken()).code, "reset");
    assertEquals(said.length, 1);
  } finally {
    console.error = error;
  }
});
