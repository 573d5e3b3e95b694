import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { connect } from "@protosocket/protosocket/node";
import { Program } from "../support/program.ts";
import { outcome, soon, within } from "../support/within.ts";

// Windows has no SIGTERM to send: there it ends a program at once.
const skip = process.platform === "win32";

test(
  "example graceful: rpcs finish until the deadline, the rest is cancelled",
  { skip },
  async () => {
    await using server = new Program("examples/graceful/server.ts", ["127.0.0.1:0", "2500"]);
    const { address, port } = await server.listening();
    await using client = new Program("examples/graceful/client.ts", [address]);
    await client.until(/^done: 10 ms of work\n/);
    server.kill("SIGTERM");
    await server.until(/closing within 2500 ms\n/);
    await soon(untilRefused(port), "connections to be refused");
    assertEquals(await within(8000, client.ended, "the client to end"), 0, client.said);
    assertEquals(
      client.said,
      "done: 10 ms of work\ndone: 1000 ms of work\nnot done: 60000 ms of work, cancelled\n",
    );
    assertEquals(await server.ended, 0, server.said);
    assertMatch(
      server.said,
      /\nfinished: 1000 ms of work\ngiven up: The server is shutting down\nclosed\n$/,
    );
  },
);

test("example graceful: without work it ends at once", { skip }, async () => {
  await using server = new Program("examples/graceful/server.ts", ["127.0.0.1:0", "60000"]);
  await server.listening();
  server.kill("SIGTERM");
  assertEquals(await server.ended, 0, server.said);
  assertMatch(server.said, /\nclosing within 60000 ms\nclosed\n$/);
});

/** Deno stops listening a moment after it was told to. */
async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const dialled = await outcome(connect({ port }));
    if (dialled.kind === "error") return;
    await dialled.value.writable.abort();
  }
}
