// MessagePack against the Rust crates: their client with this library's server, and this
// library's client with their server.
import { Connection } from "@protosocket/protosocket";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  clientCodec,
  echoMessages,
  type Request,
  request,
  type Response,
  response,
} from "../../examples/messagepack/echo.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { messagePackEcho } from "./echo_service.ts";
import { rustClientTests } from "./rust_client_cases.ts";
import { type RustServer, rustServer } from "./rust_peer.ts";

const FLAGS = ["--messagepack"];

rustClientTests("MessagePack, Rust client", messagePackEcho, FLAGS);

async function connectTo({ hostname, port }: RustServer) {
  const { connect } = await sockets();
  return await connect({ hostname, port });
}

/** Registers a case with a server and a client of its own. */
function rustServerTest(
  name: string,
  run: (client: RpcClient<Request, Response>, server: RustServer) => Promise<void>,
): void {
  test(`MessagePack, Rust server: ${name}`, async () => {
    await using server = await rustServer(FLAGS);
    await using client = new RpcClient<Request, Response>(await connectTo(server), {
      codec: clientCodec(),
      messages: echoMessages,
    });
    await soon(run(client, server), name);
  });
}

/** A unary echo, and what should come back. */
async function assertEcho(
  client: RpcClient<Request, Response>,
  message: string,
  nanotime: number | bigint = 1,
): Promise<void> {
  const { kind } = await client.unary(request({ message, nanotime }));
  assertEquals(kind, { case: "Echo", value: { message, nanotime } });
}

rustServerTest("answers unary rpcs", async (client) => {
  const times = [0, 1, 127, 128, 256, 65536, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n];
  for (const nanotime of times) await assertEcho(client, "hello", nanotime);
  for (const message of ["", "Grüße, 世界 🌍", "x".repeat(31), "x".repeat(32)]) {
    await assertEcho(client, message);
  }
});

for (const length of [255, 256, 65_535, 65_536, 3 << 20]) {
  rustServerTest(`echoes ${length} bytes`, async (client) => {
    await assertEcho(client, "0123456789abcdef".repeat(length / 16 + 1).slice(0, length));
  });
}

rustServerTest("streams to the end", async (client) => {
  const items: Response["kind"][] = [];
  const call = request({ message: "hello stream", nanotime: 2n ** 63n }, "Stream");
  for await (const { kind } of client.streaming(call)) items.push(kind);
  const expected = Array.from(
    "hello stream",
    (message, sequence) =>
      response({ case: "Stream", value: { message, nanotime: 2n ** 63n, sequence } }).kind,
  );
  assertEquals(items, expected);
});

rustServerTest("refuses", async (client) => {
  const bare: Request = { requestId: 0, code: 0, responseBehavior: "Unary" };
  for (const call of [bare, request({ message: "refuse", nanotime: 0 })]) {
    const error = await assertRejects(() => client.unary(call), RpcError);
    assertEquals(error.code, "cancelled");
  }
  await assertEcho(client, "after refusals");
});

rustServerTest("stops working on what is cancelled", async (client, server) => {
  const reason = new Error("no longer interested");
  const controller = new AbortController();
  const never = client.unary(request({ message: "never", nanotime: 0 }), {
    signal: controller.signal,
  });
  await assertEcho(client, "sent after it");
  controller.abort(reason);
  assertEquals(await assertRejects(() => never), reason);
  await server.printed(/^dropped 2$/m);

  let count = 0;
  for await (const _ of client.streaming(request({ message: "endless", nanotime: 0 }, "Stream"))) {
    if (++count === 5) break;
  }
  await server.printed(/^dropped 7$/m);
  await assertEcho(client, "goes on");
});

test("MessagePack, Rust server: ids of any size", async () => {
  await using server = await rustServer(FLAGS);
  const ids = [0, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n];
  const answered: (number | bigint)[] = [];
  const connection = new Connection<Response, Request>(await connectTo(server), {
    codec: clientCodec(),
    reactor: () => ({
      onInboundMessage(answer) {
        answered.push(answer.requestId);
        if (answered.length === ids.length) return "disconnect";
      },
    }),
  });
  for (const requestId of ids) {
    await connection.sender.send({ ...request({ message: "big id", nanotime: 0 }), requestId });
  }
  await soon(connection.closed, "the answers");
  assertEquals(ids.filter((id) => !answered.includes(id)), []);
});
