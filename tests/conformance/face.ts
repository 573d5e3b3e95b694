import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { test } from "node:test";
import type { Duplex, Receiver } from "../../mod.ts";
import { assertSameBytes, pieces, randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { SyncEnd } from "../support/sync_end.ts";
import { outcome, soon, turn, until } from "../support/within.ts";
import type { Adapter } from "./adapter.ts";
import { STEP } from "./ends.ts";

const LARGE = 1024 * 1024 + 13;
/** More than any transport holds. */
const MANY = 8192;
const IDLE: Receiver = { onBytes() {}, onEnd() {}, onDrain() {}, onLost() {} };

/** The synchronous face of a duplex: the same contract as the streams', by plain calls. */
export function faceCases(adapter: Adapter): void {
  const { inbound, breaking } = adapter.gaps;

  /** A case that gets a pair of duplexes. */
  function duplexes(
    name: string,
    run: (client: Duplex, server: Duplex, attach: (to: Duplex) => SyncEnd) => Promise<void>,
    gap?: string,
  ) {
    test(`${adapter.name}, attached: ${name}`, gap === undefined ? {} : { skip: gap }, async () => {
      const pair = await soon(adapter.open(), "a pair to open");
      const attached: SyncEnd[] = [];
      const attach = (duplex: Duplex) => {
        const end = new SyncEnd(duplex);
        attached.push(end);
        return end;
      };
      try {
        await run(pair.client, pair.server, attach);
        for (const end of attached) end.check();
      } finally {
        for (const end of attached) end.abort();
        for (const duplex of [pair.client, pair.server]) drop(duplex);
        await soon(pair.close(), "a pair to close");
      }
    });
  }

  /** A case that gets a pair of ends that are attached and read. */
  function ends(name: string, run: (client: SyncEnd, server: SyncEnd) => unknown, gap?: string) {
    duplexes(name, async (a, b, attach) => {
      const [client, server] = [attach(a), attach(b)];
      client.resume();
      server.resume();
      await run(client, server);
      await turn();
    }, gap);
  }

  ends("bytes go both ways at once, in order and unchanged", async (client, server) => {
    const [there, back] = [randomBytes(LARGE, 1), randomBytes(LARGE, 2)];
    await Promise.all([
      send(client, pieces(there, 997)),
      send(server, [back]),
    ]);
    assertSameBytes(await client.receiveAll(), back, "the way back");
    assertSameBytes(await server.receiveAll(), there, "the way there");
  });

  ends("either may end first and still be answered", async (client, server) => {
    for (const [first, second] of [[client, server]] as const) {
      await send(first, [randomBytes(300_000, 1)]);
      assertSameBytes(await second.receiveAll(), randomBytes(300_000, 1));
      await send(second, [randomBytes(400_000, 2)]);
      assertSameBytes(await first.receiveAll(), randomBytes(400_000, 2));
    }
    await turn();
    assertEquals([client.lost, server.lost], [undefined, undefined]);
  });

  ends("an echo from within onBytes", async (client, server) => {
    const echo: Uint8Array[] = [];
    const flush = () => {
      while (!server.waits && echo.length > 0) server.write(echo.shift()!);
    };
    server.hooks.onBytes = (bytes) => {
      echo.push(bytes);
      flush();
    };
    server.hooks.onDrain = flush;
    for (let round = 0; round < 100; round++) {
      await client.send(new Uint8Array([round, 1]));
      assertEquals(await client.receive(2), new Uint8Array([round, 1]));
    }
  });

  ends("no more than fifteen writes in a row are taken in one turn", async (client, server) => {
    let taken = 0;
    while (client.write(new Uint8Array([taken]))) taken++;
    assert(taken <= 15, `${taken} were taken`);
    await client.drained();
    await server.receive(taken + 1);
  });

  duplexes("nothing comes before the first resume, nor while paused", async (a, b, attach) => {
    const [client, server] = [attach(a), attach(b)];
    await client.send(new Uint8Array([1]));
    for (let count = 0; count < 10; count++) await turn();
    assertEquals(server.count, 0);
    server.resume();
    assertEquals(await server.receive(1), new Uint8Array([1]));
    server.pause();
    await send(client, [new Uint8Array([2])]);
    for (let count = 0; count < 10; count++) await turn();
    assertEquals([server.count, server.ended], [0, false]);
    server.resume();
    assertEquals(await server.receiveAll(), new Uint8Array([2]));
  });

  ends("a pause from within onBytes holds; it goes on where it stopped", async (client, server) => {
    const bytes = randomBytes(LARGE, 3);
    server.hooks.onBytes = () => {
      server.pause();
      setTimeout(() => server.resume());
    };
    const sent = send(client, pieces(bytes, 50_000));
    assertSameBytes(await server.receiveAll(), bytes);
    await sent;
  });

  ends("a pause and a resume within onBytes change nothing", async (client, server) => {
    const bytes = randomBytes(LARGE, 4);
    server.hooks.onBytes = () => {
      server.pause();
      server.resume();
    };
    await send(client, pieces(bytes, 50_000));
    assertSameBytes(await server.receiveAll(), bytes);
  });

  ends(
    "a peer that does not read stops the writes, and lets them go on",
    async (client, server) => {
      server.pause();
      const taken = await flood(client);
      assert(client.transport.unsent <= STEP);
      server.resume();
      await client.drained();
      await server.receive((taken + 1) * STEP);
      assertEquals(client.transport.unsent, 0);
    },
    inbound,
  );

  ends(
    "an abort while a write waits ends it, and nothing is called back",
    async (client, server) => {
      server.pause();
      await flood(client);
      client.abort(new Error("enough"));
      server.resume();
      await heardOf(server);
    },
    inbound ?? breaking,
  );

  ends("an abort while an end waits ends it", async (client, server) => {
    server.pause();
    await flood(client);
    server.resume();
    await client.drained();
    void client.sendEnd().catch(() => {});
    client.abort();
    await until(() => server.ended || server.lost !== undefined, () => "word of it");
  }, inbound ?? breaking);

  for (const name of ["onBytes", "onEnd", "onDrain"] as const) {
    ends(`an abort from within ${name}`, async (client, server) => {
      let aborted = false;
      client.hooks[name] = () => {
        aborted = true;
        client.abort();
      };
      await server.send(new Uint8Array([1])).catch(() => {});
      if (name === "onEnd") await server.sendEnd().catch(() => {});
      // Until it has to wait.
      if (name === "onDrain") { while (client.write(new Uint8Array([1]))); }
      await until(() => aborted, () => name);
      // An end that has ended itself may take it for an end.
      if (name === "onEnd") await until(() => server.ended || !!server.lost, () => "word of it");
      else await heardOf(server);
    }, breaking);
  }

  ends("a peer's abort is told, once; nothing of it is called again", async (client, server) => {
    let losses = 0;
    server.hooks.onLost = () => {
      losses++;
      server.abort();
      assertEquals(server.transport.write(new Uint8Array([1])), false);
      server.resume();
    };
    client.abort();
    await heardOf(server);
    for (let count = 0; count < 10; count++) await turn();
    assert(losses <= 1);
  });

  ends("a peer's abort while a write waits is a loss", async (client, server) => {
    client.pause();
    await flood(server);
    client.abort();
    assertEquals((await server.broken()).code, "reset");
  }, inbound ?? breaking);

  for (const paused of ["accepting", "dialling"] as const) {
    ends(`a peer's abort is a loss while the ${paused} end does not read`, async (a, b) => {
      const [peer, end] = paused === "accepting" ? [a, b] : [b, a];
      end.pause();
      // What comes while it is paused stops the transport itself, once it has read ahead.
      for (let count = 0; count < 4 && !peer.waits; count++) peer.write(new Uint8Array(STEP));
      // And what the other end has not read makes its abort a reset on all runtimes.
      peer.pause();
      for (let count = 0; count < 20; count++) {
        if (count < 3) await end.send(new Uint8Array([2]));
        await turn();
      }
      peer.abort();
      assertEquals((await end.broken()).code, "reset");
    }, inbound ?? breaking ?? adapter.gaps.unnoticed);
  }

  ends("an abort after both directions ended changes nothing", async (client, server) => {
    await Promise.all([client.sendEnd(), server.sendEnd()]);
    await Promise.all([client.receiveAll(), server.receiveAll()]);
    client.abort();
    client.abort();
    await turn();
    assertEquals(server.lost, undefined);
  });

  duplexes("what broke before anybody attached is lost", async (a, b, attach) => {
    const other = new End(b);
    await a.writable.abort();
    assertEquals((await attach(a).broken()).code, "aborted");
    await outcome(other.readAll());
  });

  duplexes("it has one owner, and the streams are locked then", (a, b) => {
    const transport = a.attach!(IDLE);
    assertThrows(() => a.attach!(IDLE), TypeError, "owner");
    assertEquals([a.readable.locked, a.writable.locked], [true, true]);
    b.readable.getReader();
    assertThrows(() => b.attach!(IDLE), TypeError, "in use");
    const writer = b.writable.getWriter();
    assertThrows(() => b.attach!(IDLE), TypeError, "in use");
    transport.abort();
    return soon(writer.abort(), "the abort");
  });

  duplexes("it takes over streams that have read ahead", async (a, b, attach) => {
    const client = attach(a);
    client.resume();
    const bytes = randomBytes(LARGE, 5);
    const sent = send(client, pieces(bytes, 5000));
    const reader = b.readable.getReader();
    const { value } = await soon(reader.read(), "a chunk");
    reader.releaseLock();
    // Time to read ahead.
    for (let count = 0; count < 10; count++) await turn();
    const server = attach(b);
    server.resume();
    assertEquals([b.readable.locked, b.writable.locked], [true, true]);
    assertSameBytes(concat([value!, await server.receiveAll()]), bytes);
    await sent;
  });

  duplexes("it cannot take over streams of which one has ended", async (a, b) => {
    const writer = a.writable.getWriter();
    await soon(writer.close(), "the close");
    writer.releaseLock();
    assertThrows(() => a.attach!(IDLE), TypeError, "ended");
    await b.readable.cancel();
    assertThrows(() => b.attach!(IDLE), TypeError, "ended");
    await b.writable.abort();
  });

  async function heardOf(end: SyncEnd): Promise<void> {
    await until(() => end.ended || end.lost !== undefined, () => "word of the peer's abort");
    if (end.lost) assertEquals(end.lost.code, "reset");
    else assert(adapter.gaps.reset, "an abort was taken for an end in order");
  }
}

async function send(end: SyncEnd, chunks: Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await end.send(chunk);
  await end.sendEnd();
}

/** Writes until a write waits for the peer, and not only for a turn; returns how many were taken. */
async function flood(end: SyncEnd): Promise<number> {
  const chunk = new Uint8Array(STEP);
  for (let taken = 0; taken < MANY; taken++) {
    if (end.write(chunk)) continue;
    for (let count = 0; count < 200 && end.waits; count++) await turn();
    if (end.waits) return taken;
  }
  throw new Error("Nothing stopped the writes");
}

function drop(duplex: Duplex): void {
  duplex.writable.abort().catch(() => {});
  duplex.readable.cancel().catch(() => {});
}
