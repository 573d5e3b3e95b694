import { assertEquals, assertStrictEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { assertSameBytes, pieces, randomBytes } from "../support/bytes.ts";
import type { End } from "../support/end.ts";
import { soon, turn } from "../support/within.ts";
import type { Adapter } from "./adapter.ts";
import { onPair } from "./ends.ts";

const LARGE = 1024 * 1024 + 13;

/** Bytes go both ways, in order and unchanged, and their memory has one owner. */
export function bytesCases(adapter: Adapter): void {
  onPair(adapter, "one byte goes each way", async (client, server) => {
    await client.write(new Uint8Array([1]));
    assertEquals(await server.readExactly(1), new Uint8Array([1]));
    await server.write(new Uint8Array([2]));
    assertEquals(await client.readExactly(1), new Uint8Array([2]));
  });

  onPair(adapter, "an empty write is nothing, not an end", async (client, server) => {
    await client.write(new Uint8Array(0));
    await client.write(new Uint8Array([1]));
    await client.write(new Uint8Array(0));
    await client.write(new Uint8Array([2]));
    await client.close();
    assertEquals(await server.readAll(), new Uint8Array([1, 2]));
  });

  onPair(adapter, "a large write arrives whole", async (client, server) => {
    await send(client, server, [randomBytes(LARGE)]);
  });

  onPair(adapter, "many writes of odd sizes arrive in order", async (client, server) => {
    await send(client, server, pieces(randomBytes(LARGE), 997));
  });

  onPair(adapter, "both directions flow at once", async (client, server) => {
    await Promise.all([
      send(client, server, pieces(randomBytes(LARGE, 2), 10_000)),
      send(server, client, pieces(randomBytes(LARGE, 3), 3000)),
    ]);
  });

  onPair(adapter, "writes that nobody waits for arrive in order", async (client, server) => {
    const expected = pieces(randomBytes(200_000, 4), 1234);
    const writes = expected.map((piece) => client.write(piece));
    const closed = client.close();
    assertSameBytes(await server.readAll(), concat(expected));
    await Promise.all([...writes, closed]);
  });

  onPair(adapter, "a view of a larger buffer sends its own bytes only", async (client, server) => {
    await client.write(new Uint8Array([9, 1, 2, 9]).subarray(1, 3));
    await client.close();
    assertEquals(await server.readAll(), new Uint8Array([1, 2]));
  });

  onPair(adapter, "a chunk that was read never changes", async (client, server) => {
    const expected = randomBytes(LARGE, 5);
    const sent = send(client, undefined, pieces(expected, 1500));
    const kept: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await soon(server.reader.read(), "a chunk");
      if (done) break;
      // Not one of its subclasses: `slice` of a Buffer is no copy.
      assertStrictEquals(Object.getPrototypeOf(value), Uint8Array.prototype);
      kept.push(value);
      copies.push(value.slice());
    }
    await sent;
    assertSameBytes(concat(copies), expected);
    assertSameBytes(concat(kept), expected, "the chunks that were kept");
  });

  onPair(adapter, "a chunk whose write has settled may be changed", async (client, server) => {
    const expected = randomBytes(LARGE, 6);
    const received = server.readAll();
    const chunk = new Uint8Array(50_000);
    for (let at = 0; at < LARGE; at += chunk.length) {
      const piece = expected.subarray(at, at + chunk.length);
      chunk.set(piece);
      await client.write(chunk.subarray(0, piece.length));
      chunk.fill(0);
    }
    await client.close();
    assertSameBytes(await received, expected);
  });

  onPair(adapter, "a busy writer lets others have their turn", async (client) => {
    let turned = false;
    const timer = turn().then(() => void (turned = true));
    for (let writes = 0; writes < 10_000 && !turned; writes++) {
      // Where little fits in, a write waits, and that is a turn too.
      const write = client.writer.write(new Uint8Array(1));
      write.catch(() => {});
      await Promise.race([write, timer]);
    }
    assertEquals(turned, true, "a timer waited for 10,000 writes");
  }, adapter.gaps.turns);
}

/** Sends all and then the end, and compares what came if there is a receiver. */
async function send(from: End, to: End | undefined, chunks: Uint8Array[]): Promise<void> {
  const received = to?.readAll();
  for (const chunk of chunks) await from.write(chunk);
  await from.close();
  if (received) assertSameBytes(await received, concat(chunks));
}
