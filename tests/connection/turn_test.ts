// What is sent in one turn leaves in one write, also by a sender that awaits each send.
import { Connection, duplexPair } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { soon } from "../support/within.ts";

for (const [how, wait] of [["without waiting", false], ["awaiting each", true]] as const) {
  test(`20 messages sent in one turn, ${how}, leave in one write`, async () => {
    const [here, there] = duplexPair();
    const connection = new Connection(here, {
      codec: lengthDelimited(),
      reactor: () => ({ onInboundMessage: () => {} }),
    });
    for (let i = 0; i < 20; i++) {
      const sent = connection.sender.send(new Uint8Array([i]));
      if (wait) await sent;
    }
    const { value } = await soon(there.readable.getReader().read(), "the first write");
    assertEquals(value?.length, 40);
    connection.abort();
  });
}
