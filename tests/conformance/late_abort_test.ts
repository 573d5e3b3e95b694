// Connects that are aborted in the turn in which they succeed, or in the one before or after.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import type { SocketDuplex } from "../../mod.ts";
import { connect, listen } from "../support/tls.ts";
import { deferred, soon } from "../support/within.ts";

/** On Deno, one in three rounds or so had connections that nobody had. */
const ROUNDS = 15;
const COUNT = 50;

test("connects that are aborted at any moment leave no connection open", async () => {
  await using listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  const ends: Promise<void>[] = [];
  const last = deferred();
  const accepting = (async () => {
    for await (const duplex of listener) ends.push(untilEnd(duplex, last.resolve));
  })();
  let settled = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const connecting = Array.from({ length: COUNT }, async (_, i) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), i * 3 / COUNT);
      const duplex = await connect({ port, signal: controller.signal }).catch(() => undefined);
      await duplex?.writable.abort();
      settled++;
    });
    await soon(Promise.all(connecting), "all connects");
  }
  assertEquals(settled, ROUNDS * COUNT);
  // Connections are accepted in the order in which they were made.
  const { readable, writable } = await connect({ port });
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(1));
  await soon(last.promise, "the last connection");
  await writer.close();
  await soon(Promise.all(ends), `the end of ${ends.length} connections`);
  await readable.cancel();
  await listener.close();
  await accepting;
});

test("a connect that nothing can abort makes no controller", async () => {
  await using listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  const { AbortController } = globalThis;
  let made = 0;
  globalThis.AbortController = class extends AbortController {
    constructor() {
      super();
      made++;
    }
  };
  try {
    const duplex = await soon(connect({ port }), "a connection");
    await duplex.writable.abort();
  } finally {
    globalThis.AbortController = AbortController;
  }
  assertEquals(made, 0);
});

/** Reads a connection, whichever way it ends. */
async function untilEnd({ readable, writable }: SocketDuplex, onBytes: () => void): Promise<void> {
  try {
    for await (const _ of readable) onBytes();
  } catch {
    // It was reset.
  }
  await writable.abort().catch(() => {});
}
