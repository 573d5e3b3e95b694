// The client of the Rust crates against this library's server, in either encoding.
import { serveRpc } from "@protosocket/protosocket/rpc";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { sockets } from "../../examples/support/sockets.ts";
import { type EchoEncoding, echoService, GoAway } from "./echo_service.ts";
import { rustClient } from "./rust_peer.ts";

/** Which RPCs' signals should have fired after a case, and why. */
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

type Sockets = Awaited<ReturnType<typeof sockets>>;
type ListenOptions = Parameters<Sockets["listen"]>[0];

/** Registers a test for each case; the Rust client is started with the flags. */
export function rustClientTests<Request, Response>(
  name: string,
  encoding: EchoEncoding<Request, Response>,
  flags: readonly string[] = [],
  options: Omit<ListenOptions, "port"> = {},
): void {
  for (const [rpc, expected] of Object.entries(CASES)) {
    test(`${name}: ${rpc}`, async () => {
      const { listen } = await sockets();
      const listener = await listen({ port: 0, ...options });
      const address = listener.address;
      if (address.transport !== "tcp") throw new Error("not TCP");
      const cancelled: (number | bigint)[] = [];
      await using server = serveRpc(listener, {
        codec: encoding.codec,
        messages: encoding.messages,
        service: echoService(encoding, (id) => cancelled.push(id)),
        onError: (error) => {
          if (!(error instanceof GoAway)) throw error;
          for (const connection of server.connections) connection.abort();
        },
      });
      await rustClient(address.port, rpc, flags);
      await server.close();
      assertEquals(cancelled, expected);
    });
  }
}
