// A process that was busy for longer than a time-out does not blame peers whose bytes have arrived meanwhile.
import { assert, assertEquals } from "@std/assert";
import * as net from "node:net";
import { test } from "node:test";
import { Connection, type ConnectionOptions, serve } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { listen } from "@protosocket/protosocket/node";
import { codeOf } from "../support/connections.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { deferred, soon, turn } from "../support/within.ts";

const LIMIT = 100;

/** Keeps the process busy for longer than the limit. */
function busy(): void {
  for (const since = performance.now(); performance.now() - since < 3 * LIMIT;);
}

/** A server's connection, and a plain socket to it whose writes the system takes at once. */
async function pair(options: ConnectionOptions) {
  const opened = deferred();
  const received = deferred();
  const server = serve(await listen({ hostname: "127.0.0.1", port: 0 }), () => ({
    ...options,
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => received.resolve() }),
    observer: { onOpen: () => opened.resolve() },
  }));
  const { port } = server.address as { port: number };
  const begun = performance.now();
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await soon(opened.promise, "the connection");
  const [connection] = server.connections;
  /** Whether a time-out may have been due before what was just written was. */
  const wasLate = () => performance.now() - begun >= LIMIT;
  const end = async () => {
    socket.destroy();
    await soon(server.close(), "the close");
  };
  return { end, socket, connection: connection!, received: received.promise, wasLate };
}

for (
  const [option, before, after] of [
    ["idleTimeout", [], [1, 7]],
    ["firstMessageTimeout", [], [1, 7]],
    ["messageTimeout", [2, 7], [7]],
  ] as const
) {
  test(`overdue timers: ${option} lets the sockets be read before it judges`, async () => {
    for (;;) {
      const { end, socket, connection, received, wasLate } = await pair({ [option]: LIMIT });
      if (before.length > 0) {
        await new Promise<void>((resolve) =>
          socket.write(Uint8Array.from(before), () => resolve())
        );
        for (let turns = 0; turns < 5; turns++) await turn();
      }
      // The system takes these bytes in the same call.
      socket.write(Uint8Array.from(after));
      const closed = connection.closed.then(codeOf);
      const isFair = !wasLate();
      if (isFair) {
        busy();
        assertEquals(
          await soon(Promise.race([closed, received.then(() => "received")]), "either"),
          "received",
        );
      }
      await end();
      // The machine was busy with something else.
      if (isFair) break;
    }
  });
}

test("overdue timers: a peer that really is silent is ended all the same", async () => {
  const { end, connection } = await pair({ idleTimeout: LIMIT });
  busy();
  assertEquals(codeOf(await soon(connection.closed, "the end")), "idle-timeout");
  await end();
});

test("writeTimeout: as long as the transport gets on, the peer is not silent", async () => {
  const duplex = new ScriptedFace(() => "never");
  const connection = new Connection<Uint8Array>(duplex, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage() {} }),
    writeTimeout: 20,
  });
  let looks = 0;
  // Each look finds one byte less, until nothing moves any more.
  Object.defineProperty(duplex, "unsent", { get: () => 1000 - Math.min(looks++, 5) });
  connection.sender.trySend(new Uint8Array(100));
  assertEquals(codeOf(await soon(connection.closed, "the end")), "write-timeout");
  assert(looks > 5, `it looked ${looks} times`);
});
