import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { TransportError, type TransportErrorCode } from "../../mod.ts";
import type { End } from "../support/end.ts";
import { type Outcome, outcome, soon, turn } from "../support/within.ts";
import type { Adapter } from "./adapter.ts";
import { Flood, onPair, standstill, STEP } from "./ends.ts";

/** An abort ends both directions at once, and the peer notices. */
export function abortCases(adapter: Adapter): void {
  const reason = new Error("enough");

  onPair(adapter, "an abort ends a read that waits", async (client) => {
    const read = outcome(client.reader.read());
    await client.abort(reason);
    const error = assertFailed(await soon(read, "the read"), "aborted");
    assertStrictEquals(error.cause, reason);
  });

  onPair(adapter, "an abort fails reads and writes that come after it", async (client) => {
    await client.abort(reason);
    assertFailed(await outcome(client.reader.read()), "aborted");
    const write = await outcome(client.writer.write(new Uint8Array(1)));
    assertEquals(write, { kind: "error", error: reason });
  });

  onPair(adapter, "an abort ends a write that waits", async (client, server) => {
    const flood = new Flood(client);
    const read = outcome(client.reader.read());
    await standstill(adapter, () => flood.taken);
    // So that it is this write that fails, and not the next.
    flood.stop();
    await client.abort(reason);
    assertEquals((await soon(outcome(flood.done), "the write")).kind, "error");
    assertFailed(await soon(read, "the read"), "aborted");
    await heardOf(adapter, server);
  }, adapter.gaps.inbound ?? adapter.gaps.breaking);

  onPair(adapter, "an abort ends a close that waits", async (client, server) => {
    const flood = new Flood(client);
    await standstill(adapter, () => flood.taken);
    flood.stop();
    const closed = outcome(client.writer.close());
    await client.abort(reason);
    assertEquals((await soon(closed, "the close")).kind, "error");
    await heardOf(adapter, server);
  }, adapter.gaps.inbound ?? adapter.gaps.breaking);

  onPair(adapter, "an abort that crosses a close lets go", async (client, server) => {
    const closed = outcome(client.writer.close());
    await soon(outcome(client.writer.abort(reason)), "the abort");
    await soon(closed, "the close");
    // If it had closed, that was an abort of nothing.
    await soon(outcome(client.reader.cancel()), "the cancel");
    await refusesWrites(server);
  }, adapter.gaps.breaking);

  onPair(adapter, "a peer's abort ends a read that waits", async (client, server) => {
    const heard = heardOf(adapter, server);
    await client.abort(reason);
    await heard;
  });

  onPair(adapter, "a peer's abort ends a write that waits", async (client, server) => {
    const flood = new Flood(server);
    await standstill(adapter, () => flood.taken);
    flood.stop();
    await client.abort(reason);
    assertFailed(await soon(outcome(flood.done), "the write"), "reset");
  }, adapter.gaps.inbound ?? adapter.gaps.breaking);

  onPair(adapter, "a peer's abort ends writes to come", async (client, server) => {
    await client.abort(reason);
    await refusesWrites(server);
  }, adapter.gaps.breaking);

  onPair(adapter, "a second abort does no harm", async (client, server) => {
    const aborts = [client.writer.abort(reason), client.writer.abort(new Error("again"))];
    await soon(Promise.all(aborts), "both aborts");
    await client.abort();
    assertStrictEquals(assertFailed(await outcome(client.reader.read()), "aborted").cause, reason);
    await heardOf(adapter, server);
  });

  onPair(adapter, "an abort without a reason is an abort", async (client, server) => {
    await client.abort();
    assertFailed(await outcome(client.reader.read()), "aborted");
    await heardOf(adapter, server);
  });

  onPair(adapter, "an end that reads no more and closes lets go", async (client, server) => {
    await soon(client.reader.cancel(), "the cancel");
    await client.close();
    assertEquals(await server.readAll(), new Uint8Array(0));
    await refusesWrites(server);
  });

  onPair(adapter, "an end that closes and reads no more lets go", async (client, server) => {
    await client.close();
    assertEquals(await server.readAll(), new Uint8Array(0));
    await soon(client.reader.cancel(), "the cancel");
    await refusesWrites(server);
  });
}

/** The peer's abort arrives; where there is no reset, as an end. */
async function heardOf(adapter: Adapter, end: End): Promise<void> {
  for (;;) {
    const read = await soon(outcome(end.reader.read()), "word of the peer's abort");
    if (read.kind === "error") return void assertFailed(read, "reset");
    if (!read.value.done) continue;
    assert(adapter.gaps.reset, "an abort was taken for an end in order");
    return;
  }
}

/**
 * Nobody is there: sooner or later a write tells. However fast bytes go, the news of it takes
 * its time, so it is waited for and nothing counted. If somebody held on, it would never come.
 */
async function refusesWrites(end: End): Promise<void> {
  const chunk = new Uint8Array(STEP);
  let over = false;
  const refused = async () => {
    while (!over) {
      const result = await outcome(end.writer.write(chunk));
      if (result.kind === "error") return void assertFailed(result, "reset");
      // The news may have to come by this very thread; and it bounds what can be written.
      await turn();
    }
  };
  try {
    await soon(refused(), "a write to fail, as nobody should be there");
  } finally {
    over = true;
  }
}

function assertFailed(result: Outcome<unknown>, code: TransportErrorCode): TransportError {
  assertEquals(result.kind, "error");
  const { error } = result as { error: unknown };
  assertInstanceOf(error, TransportError);
  assertEquals(error.code, code);
  return error;
}
