import { codeOf, type Failure } from "../support/code_of.ts";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import type { ConnectOptions, ListenOptions } from "../../src/adapters/base/_options.ts";
import { soon } from "../support/within.ts";
import { hold } from "./ends.ts";
import { dial, type Kind, pairsOf, type SocketAdapter, spot, toReach } from "./sockets.ts";

/** Options are honoured or refused, never dropped. */
export function optionCases(adapter: SocketAdapter, kind: Kind): void {
  const { connect, listen } = adapter;
  const gaps = adapter.gaps[kind];

  function option(name: string, run: () => Promise<void>, gap?: string): void {
    const title = `${adapter.name}, ${kind} options: ${name}`;
    test(title, gap === undefined ? {} : { skip: gap }, run);
  }

  for (const [name, options] of kind === "tcp" ? BAD_PORTS : BAD_PATHS) {
    option(`${name} is refused`, async () => {
      await assertRefused(connect(options), "wrong-option");
      await assertRefused(listen(options), "wrong-option");
    });
  }

  option("a bad backlog is refused", async () => {
    for (const backlog of [0, -1, 1.5, NaN, 65536]) {
      using place = spot(kind);
      await assertRefused(listen({ ...place.options, backlog }), "wrong-option");
    }
  });

  for (const noDelay of [true, false]) {
    for (const keepAlive of [true, false]) {
      option(`noDelay ${noDelay} and keepAlive ${keepAlive} are taken`, async () => {
        const pair = await soon(pairsOf(adapter, kind).open({ noDelay, keepAlive }), "a pair");
        await using ends = hold(pair);
        await ends.client.write(new Uint8Array([1]));
        assertEquals(await ends.server.readExactly(1), new Uint8Array([1]));
      });
    }
  }

  option("a backlog is taken, or refused where it cannot be", async () => {
    using place = spot(kind);
    const options = { ...place.options, backlog: 5 };
    if (gaps.backlog) return assertRefused(listen(options), "unsupported");
    await using listener = await soon(listen(options), "a listener");
    const { client, server } = await dial(adapter, listener);
    await Promise.all([client.writable.abort(), server.writable.abort()]);
  });

  if (kind === "unix") {
    option("a port that is shared makes no sense", async () => {
      using place = spot(kind);
      await assertRefused(listen({ ...place.options, reusePort: true }), "wrong-option");
    });
    return;
  }

  option(
    "port 0 cannot be connected to",
    () => assertRefused(connect({ port: 0 }), "wrong-option"),
  );

  option("a port is shared, or that is refused where it cannot be", async () => {
    const options = { port: 0, reusePort: true };
    if (gaps.reusePort) return assertRefused(listen(options), "unsupported");
    const first = await soon(listen(options), "a listener");
    await using second = await soon(listen({ ...toReach(first), reusePort: true }), "another");
    assertEquals(second.address, first.address);
    await first.close();
    const { client, server } = await dial(adapter, second);
    await Promise.all([client.writable.abort(), server.writable.abort()]);
  });

  option("a port is not shared unbidden", async () => {
    await using first = await listen({ port: 0 });
    await assertRefused(listen(toReach(first)), "address-in-use");
    await assertRefused(listen({ ...toReach(first), reusePort: false }), "address-in-use");
  });
}

type Place = Pick<ConnectOptions & ListenOptions, "hostname" | "port" | "path">;

const BAD_PORTS: readonly [string, Place][] = [
  ["no place at all", {}],
  ["port -1", { port: -1 }],
  ["port 65536", { port: 65536 }],
  ["port 1.5", { port: 1.5 }],
  ["port NaN", { port: NaN }],
  ["port Infinity", { port: Infinity }],
  ["an empty hostname", { port: 9000, hostname: "" }],
];

const BAD_PATHS: readonly [string, Place][] = [
  ["a path and a port", { path: "/tmp/socket", port: 9000 }],
  ["an empty path", { path: "" }],
  ["a path that the system would cut off", { path: `/tmp/${"x".repeat(103)}` }],
  ["a path of wide characters that the system would cut off", { path: `/tmp/${"ä".repeat(52)}` }],
  ["a path with a zero in it", { path: "/tmp/a\0b" }],
];

/** Refused before anything was tried, as a rejection and not as a throw. */
async function assertRefused(promise: Promise<unknown>, code: Failure): Promise<void> {
  const error = await soon(assertRejects(() => promise), `a refusal, ${code}`);
  assertInstanceOf(error, Error);
  assertEquals(codeOf(error), code, error.message);
  assert(error.message.length > 10, `this says little: ${error.message}`);
}
