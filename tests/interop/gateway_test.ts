// A WebSocket client through the example's gateway to the echo server of the Rust crates.
import { create } from "@bufbuild/protobuf";
import { RpcError } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { gateway } from "../../examples/gateway/gateway.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  ResponseBehavior,
} from "../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { echoOver } from "../websocket/echo_client.ts";
import { dialWebSocket, listenWebSocket } from "../websocket/support.ts";
import { type RustServer, rustServer } from "./rust_peer.ts";

/** Registers a case with a Rust server, a gateway and a client of its own. */
function gatewayTest(
  name: string,
  run: (client: ReturnType<typeof echoOver>, server: RustServer) => Promise<void>,
): void {
  test(`gateway, Rust server: ${name}`, async () => {
    const { connect } = await sockets();
    await using server = await rustServer();
    await using listener = await listenWebSocket({ port: 0 });
    gateway(listener, () => connect({ port: server.port }));
    const { port } = listener.address as { port: number };
    await using client = echoOver(await dialWebSocket(port));
    await soon(run(client, server), name);
  });
}

function request(
  message: string,
  responseBehavior: ResponseBehavior = ResponseBehavior.UNARY,
): Request {
  return create(RequestSchema, { body: create(EchoRequestSchema, { message }), responseBehavior });
}

gatewayTest("answers unary rpcs, 1,000 at once and 3 MiB", async (client) => {
  const messages = Array.from({ length: 1000 }, (_, i) => `delay:${i * 7 % 50}:${i}`);
  messages.push("Grüße, 世界 🌍", "0123456789abcdef".repeat(3 << 16));
  const answers = await Promise.all(messages.map((message) => client.unary(request(message))));
  for (const [i, { kind }] of answers.entries()) assert(kind.value?.message === messages[i]);
});

gatewayTest("streams to the end", async (client) => {
  let text = "";
  for await (const { kind } of client.streaming(request("hello", ResponseBehavior.STREAM))) {
    text += kind.value?.message;
  }
  assertEquals(text, "hello");
});

gatewayTest("stops a stream that is left", async (client, server) => {
  let count = 0;
  for await (const _ of client.streaming(request("endless", ResponseBehavior.STREAM))) {
    if (++count === 5) break;
  }
  await server.printed(/^dropped 3$/m);
  assertEquals((await client.unary(request("goes on"))).kind.value?.message, "goes on");
});

gatewayTest("goes away in the middle of a stream", async (client) => {
  const stream = client.streaming(request("exit-after:3", ResponseBehavior.STREAM));
  for (let i = 0; i < 3; i++) assertEquals((await stream.next()).done, false);
  assertEquals((await assertRejects(() => stream.next(), RpcError)).code, "connection-closed");
});
