// What is no id, from a peer that means harm or has another notion of ids.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { ConnectionError } from "@protosocket/protosocket";
import type { RpcId } from "@protosocket/protosocket/rpc";
import { messages, serverAndPeer } from "../../support/rpc.ts";
import { soon } from "../../support/within.ts";

/** What JSON, or MessagePack, may have where an id belongs. */
const NO_IDS = ["1", "x".repeat(100_000), null, undefined, {}, [1], true, 1.5, -1, NaN, -1n];

for (const code of [0, 1, 2]) {
  test(`what is no id ends its connection with an error that says so, code ${code}`, async () => {
    for (const id of NO_IDS) {
      let handled = 0;
      const request = { ...messages.request, id: () => id as RpcId };
      const { connection, peer, errors } = serverAndPeer((asked) => {
        handled++;
        return Promise.resolve(asked);
      }, { messages: { ...messages, request } });
      await peer.send({ id: 1, code });
      const reason = await soon(connection.closed, "the end");
      assert(reason.kind === "error" && reason.error instanceof ConnectionError);
      assertEquals([reason.error.code, handled, errors], ["invalid-message", 0, []]);
      assertMatch(reason.error.message, /^The id of an rpc must be .{1,60}$/);
    }
  });
}
