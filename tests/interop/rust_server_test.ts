// This library's client against the server of the Rust crates.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { echoMessages } from "../../examples/support/echo_es.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { rustServer } from "./rust_peer.ts";

async function connectTo(server: { hostname: string; port: number }) {
  const { connect } = await sockets();
  return new RpcClient<Request, Response>(
    await connect({ hostname: server.hostname, port: server.port }),
    { codec: protobufEs(ResponseSchema, RequestSchema), messages: echoMessages },
  );
}

function echoRequest(
  message: string,
  nanotime = 1n,
  responseBehavior: ResponseBehavior = ResponseBehavior.UNARY,
) {
  const body = create(EchoRequestSchema, { message, nanotime });
  return create(RequestSchema, { body, responseBehavior });
}

function streamRequest(message: string): Request {
  return echoRequest(message, 7n, ResponseBehavior.STREAM);
}

function textOf({ kind }: Response): string {
  assert(kind.case !== undefined);
  return kind.value.message;
}

/** Registers a case with a server and a client of its own. */
function rustServerTest(
  name: string,
  run: (
    client: RpcClient<Request, Response>,
    server: Awaited<ReturnType<typeof rustServer>>,
  ) => Promise<void>,
): void {
  test(`Rust server: ${name}`, async () => {
    await using server = await rustServer();
    await using client = await connectTo(server);
    await soon(run(client, server), name);
  });
}

rustServerTest("answers unary rpcs", async (client) => {
  for (const message of ["", "hello", "Grüße, 世界 🌍"]) {
    const { kind } = await client.unary(echoRequest(message, 2n ** 64n - 1n));
    assert(kind.case === "echo");
    assertEquals(kind.value.message, message);
    assertEquals(kind.value.nanotime, 2n ** 64n - 1n);
  }
});

rustServerTest("streams to the end", async (client) => {
  const items: string[] = [];
  for await (const { kind } of client.streaming(streamRequest("hello stream"))) {
    assert(kind.case === "stream");
    assertEquals(kind.value.sequence, BigInt(items.length));
    assertEquals(kind.value.nanotime, 7n);
    items.push(kind.value.message);
  }
  assertEquals(items.join(""), "hello stream");
});

rustServerTest("stops working on an rpc that is cancelled", async (client, server) => {
  const reason = new Error("no longer interested");
  const controller = new AbortController();
  const never = client.unary(echoRequest("never"), { signal: controller.signal });
  assertEquals(textOf(await client.unary(echoRequest("sent after it"))), "sent after it");
  controller.abort(reason);
  assertEquals(await assertRejects(() => never), reason);
  await server.printed(/^dropped 2$/m);
});

rustServerTest("stops a stream that is left", async (client, server) => {
  let count = 0;
  for await (const _ of client.streaming(streamRequest("endless"))) {
    if (++count === 5) break;
  }
  await server.printed(/^dropped 3$/m);
  assertEquals(textOf(await client.unary(echoRequest("goes on"))), "goes on");
});

rustServerTest("refuses", async (client) => {
  for (const request of [create(RequestSchema), echoRequest("refuse")]) {
    const error = await assertRejects(() => client.unary(request), RpcError);
    assertEquals(error.code, "cancelled");
  }
  const refused = client.streaming(streamRequest("refuse"));
  assertEquals((await assertRejects(() => refused.next(), RpcError)).code, "cancelled");
});

rustServerTest("goes away in the middle of a stream", async (client) => {
  const stream = client.streaming(streamRequest("exit-after:3"));
  for (let i = 0; i < 3; i++) assertEquals((await stream.next()).done, false);
  const error = await assertRejects(() => stream.next(), RpcError);
  assertEquals(error.code, "connection-closed");
  assertEquals(client.isAlive, false);
  const late = await assertRejects(() => client.unary(echoRequest("late")), RpcError);
  assertEquals(late.code, "connection-closed");
});

rustServerTest("echoes 3 MiB", async (client) => {
  const message = "0123456789abcdef".repeat(3 * 65536);
  assertEquals(textOf(await client.unary(echoRequest(message))) === message, true);
});

rustServerTest("answers 1,000 rpcs in flight out of order", async (client) => {
  const order: number[] = [];
  const calls = Array.from({ length: 1000 }, async (_, i) => {
    const message = `delay:${i * 7 % 50}:${i}`;
    assertEquals(textOf(await client.unary(echoRequest(message))), message);
    order.push(i);
  });
  assertEquals(client.inFlight, 1000);
  await Promise.all(calls);
  assertEquals(order.length, 1000);
  assert(order.some((call, i) => i > 0 && call < order[i - 1]!), "all came in order");
});

rustServerTest("is stopped by a reader that is slow", async (client) => {
  let sequence = 0n;
  for await (const { kind } of client.streaming(streamRequest("endless"))) {
    assert(kind.case === "stream");
    assertEquals(kind.value.sequence, sequence++);
    // A turn of the event loop for each hundred items: the server is always ahead.
    if (sequence % 100n === 0n) await new Promise((resolve) => setTimeout(resolve, 0));
    if (sequence === 20_000n) break;
  }
});
