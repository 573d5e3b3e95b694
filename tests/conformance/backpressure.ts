import { assert, assertEquals } from "@std/assert";
import { equals } from "@std/bytes";
import type { End } from "../support/end.ts";
import { soon } from "../support/within.ts";
import type { Adapter } from "./adapter.ts";
import { Flood, maxTaken, onPair, standstill } from "./ends.ts";

/** Unread data is bounded, and stops the writer. */
export function backpressureCases(adapter: Adapter): void {
  onPair(
    adapter,
    "a peer that does not read stops the dialling end's writes",
    (client, server) => stops(adapter, client, server),
    adapter.gaps.inbound,
  );
  onPair(
    adapter,
    "a peer that does not read stops the accepting end's writes",
    (client, server) => stops(adapter, server, client),
    adapter.gaps.inbound,
  );

  onPair(adapter, "a peer that reads a little lets a little through", async (client, server) => {
    const flood = new Flood(client);
    for (let round = 1, before = 0, got = 0; round <= 3; round++) {
      await standstill(adapter, () => flood.taken);
      assert(flood.taken > before, `nothing went through in round ${round}`);
      const unread = flood.taken - got;
      assert(unread <= maxTaken(adapter), `${unread} bytes were taken that nobody read`);
      before = flood.taken;
      while (got < before) {
        got += (await soon(server.reader.read(), "a chunk")).value!.length;
      }
    }
  }, adapter.gaps.inbound ?? adapter.gaps.breaking);

  onPair(adapter, "a stopped direction does not stop the other", async (client, server) => {
    const flood = new Flood(client);
    await standstill(adapter, () => flood.taken);
    await server.write(new Uint8Array([1, 2, 3]));
    assertEquals(await client.readExactly(3), new Uint8Array([1, 2, 3]));
  }, adapter.gaps.inbound ?? adapter.gaps.breaking);
}

async function stops(adapter: Adapter, from: End, to: End): Promise<void> {
  const flood = new Flood(from);
  const taken = await standstill(adapter, () => flood.taken);
  assert(taken > 0, "nothing was taken");
  assert(taken <= maxTaken(adapter), `${taken} bytes were taken that nobody read`);

  // The write that waits goes through when somebody reads, and all arrives.
  flood.stop();
  const closed = flood.done.then(() => from.close());
  let got = 0;
  for (;;) {
    const { done, value } = await soon(to.reader.read(), `the rest, after ${got} bytes`);
    if (done) break;
    assertPattern(value, got, flood.chunk);
    got += value.length;
  }
  await soon(closed, "the write that waited");
  assertEquals(got, flood.taken);
}

/** Compares `bytes` with the place at which they belong in a repeated chunk. */
function assertPattern(bytes: Uint8Array, position: number, chunk: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const start = (position + at) % chunk.length;
    const length = Math.min(bytes.length - at, chunk.length - start);
    assert(
      equals(bytes.subarray(at, at + length), chunk.subarray(start, start + length)),
      `wrong bytes from ${position + at} on`,
    );
    at += length;
  }
}
