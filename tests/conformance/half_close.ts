import { assertEquals } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/bytes.ts";
import type { End } from "../support/end.ts";
import { outcome, soon } from "../support/within.ts";
import type { Adapter } from "./adapter.ts";
import { onPair } from "./ends.ts";

/** Each direction ends on its own, after all that was written. */
export function halfCloseCases(adapter: Adapter): void {
  onPair(adapter, "the dialling end may close first and still be answered", closeFirst);
  onPair(
    adapter,
    "the accepting end may close first and still be answered",
    (client, server) => closeFirst(server, client),
  );

  onPair(adapter, "an end without bytes is an end", async (client, server) => {
    await client.close();
    assertEquals(await server.readAll(), new Uint8Array(0));
    await server.close();
    assertEquals(await client.readAll(), new Uint8Array(0));
  });

  onPair(adapter, "both ends may close at once", async (client, server) => {
    const [fromServer, fromClient] = [randomBytes(1000, 1), randomBytes(1000, 2)];
    await Promise.all([
      client.write(fromClient).then(() => client.close()),
      server.write(fromServer).then(() => server.close()),
    ]);
    assertSameBytes(await client.readAll(), fromServer);
    assertSameBytes(await server.readAll(), fromClient);
  });

  onPair(adapter, "a read that waits hears of the end", async (client, server) => {
    const pending = soon(server.reader.read(), "the end");
    await client.close();
    assertEquals((await pending).done, true);
  });

  onPair(adapter, "a write may cross the peer's end", async (client, server) => {
    await client.close();
    await server.write(new Uint8Array([1]));
    assertEquals(await client.readExactly(1), new Uint8Array([1]));
  }, adapter.gaps.crossing);

  onPair(adapter, "an end after both directions ended changes nothing", async (client, server) => {
    await Promise.all([client.close(), server.close()]);
    await Promise.all([client.readAll(), server.readAll()]);
    client.drop();
    server.drop();
    assertEquals((await client.reader.read()).done, true);
    await client.reader.closed;
    await client.writer.closed;
  });

  onPair(adapter, "a second close is refused and does no harm", async (client, server) => {
    const closed = client.close();
    assertEquals((await outcome(client.writer.close())).kind, "error");
    await closed;
    assertEquals(await server.readAll(), new Uint8Array(0));
    await server.write(new Uint8Array([1]));
    assertEquals(await client.readExactly(1), new Uint8Array([1]));
  });
}

async function closeFirst(first: End, second: End): Promise<void> {
  const [question, answer] = [randomBytes(300_000, 1), randomBytes(400_000, 2)];
  const asked = first.write(question).then(() => first.close());
  assertSameBytes(await second.readAll(), question, "the question");
  await asked;
  const answered = second.write(answer).then(() => second.close());
  assertSameBytes(await first.readAll(), answer, "the answer");
  await answered;
}
