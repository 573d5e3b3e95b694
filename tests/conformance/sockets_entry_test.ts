// ./sockets: the adapter of the runtime, chosen when it is needed.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type SocketDuplex, TransportError } from "../../mod.ts";
import { connect, listen } from "../../src/adapters/sockets.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { soon } from "../support/within.ts";

test("sockets: bytes go through a socket of the runtime", async () => {
  await using listener = await listen({ port: 0 });
  const accepted = listener[Symbol.asyncIterator]().next();
  assert(listener.address.transport === "tcp");
  const duplex = await connect({ port: listener.address.port });
  const peer = (await soon(accepted, "a connection")).value as SocketDuplex;
  const classes = { deno: "DenoDuplex", bun: "BunDuplex", node: "TcpDuplex" };
  assertEquals(duplex.constructor.name, classes[runtime]);
  assertEquals(peer.constructor.name, classes[runtime]);
  const [client, server] = [new End(duplex), new End(peer)];
  await client.write(new Uint8Array([1, 2, 3]));
  assertEquals(await server.readExactly(3), new Uint8Array([1, 2, 3]));
  await Promise.all([client.close(), server.close()]);
});

test("sockets: an option is checked by the adapter", async () => {
  assertEquals((await refusal(() => connect({ port: 0 }))).code, "invalid-option");
  assertEquals((await refusal(() => listen({ port: -1 }))).code, "invalid-option");
});

const fixed = runtime === "bun" && "Bun does not let its global be hidden";

test("sockets: where there are none, it says what to use", { skip: fixed }, async () => {
  await pretending({ Deno: undefined, Bun: undefined, process: undefined }, async () => {
    const error = await refusal(() => connect({ port: 1 }));
    assertEquals(error.code, "unsupported");
    assertMatch(error.message, /WebSockets/);
  });
});

test("sockets: a Worker of Cloudflare connects by its own adapter, and cannot listen", async () => {
  const navigator = { userAgent: "Cloudflare-Workers" };
  await pretending({ navigator }, async () => {
    assertMatch((await refusal(() => listen({ port: 0 }))).message, /cannot listen/);
    // That it is that adapter is known by what it lacks here.
    assertMatch((await refusal(() => connect({ port: 1 }))).message, /Workers/);
    for (const option of [{ keepAlive: true }, { noDelay: false }, { tls: {} }]) {
      const { code, message } = await refusal(() => connect({ port: 1, ...option }));
      assertEquals(code, "unsupported");
      assertMatch(message, RegExp(Object.keys(option)[0]!));
    }
    assertMatch((await refusal(() => connect({ path: "/tmp/a" }))).message, /path/);
  });
});

function refusal(run: () => Promise<unknown>): Promise<TransportError> {
  return assertRejects(run, TransportError);
}

/** Runs something with other globals. */
async function pretending(globals: object, run: () => Promise<void>): Promise<void> {
  const own = Object.keys(globals).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    await run();
  } finally {
    for (const [name, descriptor] of own) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete (globalThis as Record<string, unknown>)[name];
    }
  }
}
