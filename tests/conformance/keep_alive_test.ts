// TCP keepalive: what the system is told, as far as it can be seen.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import * as net from "node:net";
import { test } from "node:test";
import type { ConnectOptions, KeepAliveOptions } from "@protosocket/protosocket/node";
import * as node from "../../src/adapters/node.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { assertFails, connect, listen, ours, trusting } from "../support/tls.ts";
import { soon, until } from "../support/within.ts";

const skip = !existsSync("/proc/net/tcp") && "only Linux shows its timers";
/** Ticks of the kernel's timers a second. */
const TICKS = 100;

/**
 * The seconds until the first probe, if the socket from a local port to another has such a timer.
 * (Others may have the same local port.) `undefined` while that cannot be seen.
 */
function timer(local: number, remote: number): number[] | undefined {
  const [here, there] = [local, remote].map((port) =>
    `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  );
  for (const row of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    if (!row.includes(here!)) continue;
    const [, from, to, state, , timer] = row.trim().split(/\s+/);
    // Established ones only.
    if (!from?.endsWith(here!) || !to!.endsWith(there!) || state !== "01") continue;
    const [kind, ticks] = timer!.split(":");
    // What is to be acknowledged hides it.
    if (kind === "01") return undefined;
    return kind === "02" ? [parseInt(ticks!, 16) / TICKS] : [];
  }
  // A file that changes while it is read may leave a socket out, or show it twice.
  return undefined;
}

/** The same, once it can be seen. */
async function settled(local: number, remote: number): Promise<number[]> {
  let seen: number[] | undefined;
  await until(() => !!(seen = timer(local, remote)), () => `the timer of ${local} to ${remote}`);
  return seen!;
}

/** Connects to a listener, and tells the timers of both ends. */
async function seen(
  adapter: Pick<typeof node, "connect" | "listen">,
  keepAlive: ConnectOptions["keepAlive"],
  more: { tls?: boolean; proxied?: boolean } = {},
): Promise<[client: number[], server: number[]]> {
  await using listener = await adapter.listen({
    port: 0,
    keepAlive,
    ...more.tls && { tls: ours },
    ...more.proxied && { proxyProtocol: { trust: "any" as const } },
  });
  const { port } = listener.address as { port: number };
  if (more.proxied) {
    const raw = net.connect(port, "127.0.0.1");
    raw.write("PROXY UNKNOWN\r\n");
    const accepted = await soon(listener[Symbol.asyncIterator]().next(), "a connection");
    const idle = await settled(port, raw.localPort!);
    new End(accepted.value!).drop();
    raw.destroy();
    return [[], idle];
  }
  const [client, accepted] = await soon(
    Promise.all([
      adapter.connect({ port, keepAlive, ...more.tls && { tls: trusting } }),
      listener[Symbol.asyncIterator]().next(),
    ]),
    "a connection",
  );
  const { port: theirs } = accepted.value!.remoteAddress as { port: number };
  const server = await settled(port, theirs);
  const there = await settled(theirs, port);
  new End(client).drop();
  new End(accepted.value!).drop();
  return [there, server];
}

/** Whether it is so many seconds until a probe; a busy machine may take some of them. */
function about([seconds, ...more]: number[], expected: number): void {
  assertEquals(more, []);
  assert(seconds !== undefined && seconds <= expected && seconds > expected - 60, `${seconds} s`);
}

const here = { connect, listen } as Pick<typeof node, "connect" | "listen">;
/** The sockets of Deno itself have the switch only. */
const idleToo = runtime === "deno"
  ? [["./node", node]] as const
  : [["this adapter", here]] as const;

for (const [name, adapter] of idleToo) {
  test(`keepAlive: idle is told to the system, ${name}`, { skip }, async () => {
    const [client, server] = await seen(adapter, { idle: 100_000 });
    about(client, 100);
    about(server, 100);
  });
}

test("keepAlive: with TLS, and behind a proxy", { skip }, async () => {
  const [client, server] = await seen(here, { idle: 100_000 }, { tls: true });
  about(client, 100);
  about(server, 100);
  about((await seen(here, { idle: 100_000 }, { proxied: true }))[1], 100);
  about((await seen(here, { idle: 100_000 }, { proxied: true, tls: false }))[1], 100);
});

test("keepAlive: true is the system's own, and false is none", { skip }, async () => {
  for (const tls of [false, true]) {
    const [client, server] = await seen(here, true, { tls });
    assertEquals([client.length, server.length], [1, 1], `with TLS: ${tls}`);
    assertEquals(await seen(here, false, { tls }), [[], []]);
  }
});

test("keepAlive: interval and count are set, or refused by name", async () => {
  const can = runtime === "node" && net.Socket.prototype.setKeepAlive.length >= 4;
  for (const more of [{ interval: 2000 }, { count: 3 }, { interval: 2000, count: 3 }]) {
    const options = { port: 0, keepAlive: { idle: 100_000, ...more } };
    if (can) {
      await using listener = await node.listen(options);
      assert(listener.address.transport === "tcp");
      continue;
    }
    const error = await assertFails(node.listen(options), "unsupported");
    assertMatch(error.message, new RegExp(`keepAlive.${Object.keys(more)[0]}`));
  }
  if (runtime !== "deno") return;
  const error = await assertFails(listen({ port: 0, keepAlive: { idle: 1000 } }), "unsupported");
  assertMatch(error.message, /keepAlive.idle/);
});

for (
  const [wrong, says] of [
    [{ idle: 999 }, /keepAlive.idle must be an integer from 1000/],
    [{ idle: 1000.5 }, /keepAlive.idle/],
    [{ idle: 1000, interval: 0 }, /keepAlive.interval/],
    [{ idle: 1000, count: 128 }, /keepAlive.count must be an integer from 1 to 127/],
    [{ delay: 1000 }, /keepAlive has no option delay; there are: idle, interval, count/],
    ["on", /keepAlive must be true, false or an object/],
    [null, /keepAlive must be/],
  ] as const
) {
  test(`keepAlive: refused: ${JSON.stringify(wrong)}`, async () => {
    const keepAlive = wrong as KeepAliveOptions;
    for (const tls of [undefined, ours]) {
      const error = await assertFails(listen({ port: 0, keepAlive, tls }), "wrong-option");
      assertMatch(error.message, says);
    }
    await assertFails(connect({ port: 1, keepAlive }), "wrong-option");
    const proxyProtocol = { trust: "any" } as const;
    await assertFails(listen({ port: 0, keepAlive, proxyProtocol }), "wrong-option");
  });
}
