import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { End } from "../support/end.ts";
import { soon, until } from "../support/within.ts";
import { dial, type Kind, type SocketAdapter, spot } from "./sockets.ts";

const FDS = "/proc/self/fd";
const COUNT = 20;

/** However a connection ends, the system gets its sockets back. */
export function releaseCases(adapter: SocketAdapter, kind: Kind): void {
  function released(name: string, end: (client: End, server: End) => Promise<unknown>): void {
    const title = `${adapter.name}, ${kind} release: ${name}`;
    const skip = existsSync(FDS) ? undefined : `needs ${FDS} to count sockets`;
    test(title, { skip }, async () => {
      using place = spot(kind);
      await using listener = await adapter.listen(place.options);
      // Some runtimes open sockets of their own at the first use.
      await once();
      const before = openSockets();
      for (let count = 0; count < COUNT; count++) await once();
      await allGone(before);

      async function once(): Promise<void> {
        const { client, server } = await dial(adapter, listener);
        await soon(end(new End(client), new End(server)), "a connection to end");
      }
    });
  }

  released("after an end of both", async (client, server) => {
    await client.close();
    await server.readAll();
    await server.close();
    await client.readAll();
  });
  released("after an end of both at once", async (client, server) => {
    await Promise.all([client.close(), server.close()]);
    await Promise.all([client.readAll(), server.readAll()]);
  });
  released("after an end while nobody reads any more", async (client, server) => {
    await Promise.all([client.reader.cancel(), server.reader.cancel()]);
    await Promise.all([client.close(), server.close()]);
  });
  released("after the aborts of both", async (client, server) => {
    await Promise.all([client.abort(), server.abort()]);
  });
  released(
    "after one end's abort, which the other answers with its own",
    async (client, server) => {
      await client.abort();
      await server.readAll().catch(() => {});
      await server.abort();
    },
  );
}

/** Nothing tells when the system has closed one. */
function allGone(before: number): Promise<void> {
  const open = () => openSockets() - before;
  return until(() => open() <= 0, () => `${open()} sockets are still open`);
}

function openSockets(): number {
  return readdirSync(FDS).filter((fd) => {
    try {
      return readlinkSync(`${FDS}/${fd}`).startsWith("socket:");
    } catch {
      // The one that was open to list them.
      return false;
    }
  }).length;
}
