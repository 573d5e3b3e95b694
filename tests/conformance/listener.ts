import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertNotEquals } from "@std/assert";
import { type Listener, TransportError } from "../../mod.ts";
import { End } from "../support/end.ts";
import { outcome, soon } from "../support/within.ts";
import { accept, dial, type Kind, type SocketAdapter, spot, toReach } from "./sockets.ts";

/** What a listener promises, over the life of it. */
export function listenerCases(adapter: SocketAdapter, kind: Kind): void {
  /** Registers a case with a listener of its own. */
  function onListener(
    name: string,
    run: (listener: Listener) => Promise<void>,
    gap?: string,
  ): void {
    const title = `${adapter.name}, ${kind} listener: ${name}`;
    test(title, gap === undefined ? {} : { skip: gap }, async () => {
      using place = spot(kind);
      await using listener = await soon(adapter.listen(place.options), "a listener");
      await run(listener);
    });
  }

  onListener("it knows where it listens", async (listener) => {
    const { address } = listener;
    if (address.transport === "unix") return assert(existsSync(address.path));
    assertEquals(address.hostname, "127.0.0.1");
    assert(address.port > 0);
    await using second = await adapter.listen({ port: 0 });
    assertNotEquals(second.address, address);
  });

  onListener("both ends know each other's address", async (listener) => {
    const { client, server } = await dial(adapter, listener);
    assertEquals(client.remoteAddress, listener.address);
    const { remoteAddress } = server;
    drop(client, server);
    if (kind === "unix") return assertEquals(remoteAddress, { transport: "unix", path: "" });
    assert(remoteAddress?.transport === "tcp");
    assertEquals(remoteAddress.hostname, "127.0.0.1");
    assert(remoteAddress.port > 0);
  });

  onListener("each connection is its own", async (listener) => {
    const pairs = [];
    for (let id = 0; id < 20; id++) pairs.push(await dial(adapter, listener));
    const ends = pairs.map(({ client, server }) => [new End(client), new End(server)] as const);
    await Promise.all(ends.map(([client], id) => client.write(new Uint8Array([id]))));
    for (const [id, [, server]] of ends.entries()) {
      assertEquals(await server.readExactly(1), new Uint8Array([id]));
    }
    for (const end of ends.flat()) end.drop();
  });

  onListener("leaving the loop does not close it", async (listener) => {
    for (let round = 0; round < 2; round++) {
      const client = soon(adapter.connect(toReach(listener)), "a connection");
      for await (const server of listener) {
        drop(server, await client);
        break;
      }
    }
  });

  onListener("close() ends the loop, and may be called again", async (listener) => {
    const next = listener[Symbol.asyncIterator]().next();
    await soon(Promise.all([listener.close(), listener.close()]), "both closes");
    await soon(listener.close(), "a third close");
    assertEquals(await soon(next, "the loop"), { done: true, value: undefined });
    assertEquals((await soon(listener[Symbol.asyncIterator]().next(), "a new loop")).done, true);
  });

  onListener("close() leaves accepted connections alone", async (listener) => {
    const { client, server } = await dial(adapter, listener);
    await listener.close();
    const [here, there] = [new End(client), new End(server)];
    await here.write(new Uint8Array([1]));
    assertEquals(await there.readExactly(1), new Uint8Array([1]));
    here.drop();
    there.drop();
  });

  onListener("close() ends connections that nobody took", async (listener) => {
    const ends: End[] = [];
    for (let count = 0; count < 3; count++) {
      ends.push(new End(await soon(adapter.connect(toReach(listener)), "a connection")));
    }
    await listener.close();
    for (const end of ends) {
      const { kind, ...rest } = await soon(outcome(end.readAll()), "the end of a connection");
      if (kind === "error") assertInstanceOf(Object.values(rest)[0], TransportError);
      end.drop();
    }
  });

  onListener("where it was, another can listen", async (listener) => {
    const { client, server } = await dial(adapter, listener);
    await listener.close();
    await using second = await soon(adapter.listen(toReach(listener)), "the second listener");
    assertEquals(second.address, listener.address);
    drop(client, server);
    const pair = await dial(adapter, second);
    drop(pair.client, pair.server);
  });

  onListener("closing it leaves the file of a successor alone", async (listener) => {
    if (listener.address.transport !== "unix") return;
    const { path } = listener.address;
    rmSync(path);
    await using successor = await adapter.listen({ path });
    // While it waits for a connection, as servers do.
    const next = listener[Symbol.asyncIterator]().next();
    await listener.close();
    assertEquals((await soon(next, "the loop")).done, true);
    const { client, server } = await dial(adapter, successor);
    drop(client, server);
  });

  onListener("it closes also if the file of a successor cannot be put aside", async (listener) => {
    if (listener.address.transport !== "unix") return;
    const { path } = listener.address;
    rmSync(path);
    await using successor = await adapter.listen({ path });
    const inTheWay = `${path}.${statSync(path).ino}`;
    mkdirSync(inTheWay);
    const next = listener[Symbol.asyncIterator]().next();
    await soon(listener.close(), "the close");
    assertEquals((await soon(next, "the loop")).done, true);
    rmSync(inTheWay, { recursive: true });
    await successor.close();
  });

  onListener("after close() nobody is there", async (listener) => {
    await listener.close();
    const { kind: ended, ...rest } = await soon(
      outcome(adapter.connect(toReach(listener))),
      "a refusal",
    );
    assertEquals(ended, "error");
    const [error] = Object.values(rest);
    assertInstanceOf(error, TransportError);
    assertEquals(error.code, kind === "tcp" ? "refused" : "not-found");
    if (listener.address.transport === "unix") assert(!existsSync(listener.address.path));
  });

  onListener("a connection that came before the loop is taken", async (listener) => {
    const client = await soon(adapter.connect(toReach(listener)), "a connection");
    drop(client, await accept(listener));
  });

  onListener("a connection that was reset before it was taken does no harm", async (listener) => {
    const gone = await soon(adapter.connect(toReach(listener)), "a connection");
    await gone.writable.abort();
    const first = new End(await accept(listener));
    await soon(outcome(first.readAll()), "the end of the first");
    first.drop();
    const { client, server } = await dial(adapter, listener);
    drop(client, server);
  }, adapter.gaps[kind].early);
}

function drop(...duplexes: ConstructorParameters<typeof End>[0][]): void {
  for (const duplex of duplexes) new End(duplex).drop();
}
