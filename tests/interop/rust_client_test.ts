// The client of the Rust crates against this library's server.
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { serveRpc } from "@protosocket/protosocket/rpc";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { echoMessages } from "../../examples/proto/echo.ts";
import { RequestSchema, ResponseSchema } from "../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { echoService, GoAway } from "./echo_service.ts";
import { rustClient } from "./rust_peer.ts";

/** What the signals of which rpcs should have told of, after a case. */
const CASES: Record<string, (number | bigint)[]> = {
  "unary": [],
  "big-id": [],
  "streaming": [],
  "cancel": [1, 4],
  "refused": [],
  "big": [],
  "many": [],
  "gone": [],
  "slow-reader": [1],
};

for (const [name, expected] of Object.entries(CASES)) {
  test(`Rust client: ${name}`, async () => {
    const { listen } = await sockets();
    const listener = await listen({ port: 0 });
    const address = listener.address;
    if (address.transport !== "tcp") throw new Error("not TCP");
    const cancelled: (number | bigint)[] = [];
    await using server = serveRpc(listener, {
      codec: () => protobufEs(RequestSchema, ResponseSchema),
      messages: echoMessages,
      service: echoService((id) => cancelled.push(id)),
      onError: (error) => {
        if (!(error instanceof GoAway)) throw error;
        for (const connection of server.connections) connection.abort();
      },
    });
    await rustClient(address.port, name);
    await server.close();
    assertEquals(cancelled, expected);
  });
}
