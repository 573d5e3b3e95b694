// Whatever a client does in its handshake, the listener continues and reports it.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import type { SocketAddress, TransportErrorCode } from "../../mod.ts";
import { randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { connect, TlsServer, trusting } from "../support/tls.ts";
import { outcome, soon } from "../support/within.ts";

/** A time-out that a handshake in order is not to meet, on a machine however busy. */
const LONG = 60_000;

/** What a client may send instead of a handshake, and how that is reported. */
const STRANGE: Record<string, [bytes: Uint8Array, code: TransportErrorCode]> = {
  "plain text": [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "tls"],
  "a message of its own": [new Uint8Array([5, 1, 2, 3, 4, 5]), "tls"],
  "noise": [randomBytes(100_000), "tls"],
  "zeros": [new Uint8Array(1000), "tls"],
  "a record that is no handshake": [new Uint8Array([23, 3, 3, 0, 2, 1, 2]), "tls"],
  "a TLS 1.1 handshake": [helloOfTls11(), "tls"],
};

for (const [what, [bytes, code]] of Object.entries(STRANGE)) {
  test(`TLS listener: ${what} is refused and reported`, async () => {
    await using server = await TlsServer.listen({ handshakeTimeout: LONG });
    const strange = new End(await connect({ port: server.port }));
    strange.writer.write(bytes).catch(() => {});
    const { error, remoteAddress } = await server.failure();
    assertEquals(error.code, code, error.message);
    assertMatch(error.message, /^The TLS handshake failed: /);
    assert(error.cause, "the platform's error is missing");
    assertLocal(remoteAddress);
    // An alert at most, and then nothing: no answer in plain text.
    const read = await soon(outcome(strange.readAll()), "the end");
    if (read.kind === "value") assert(read.value.length === 0 || read.value[0] === ALERT);
    strange.drop();
    await server.serves();
    assertEquals(server.failures, 1);
  });
}

test("TLS listener: a client that leaves in the middle of the handshake is reported", async () => {
  await using server = await TlsServer.listen({ handshakeTimeout: LONG });
  for (const bytes of [[], [22, 3, 1], [22, 3, 1, 2, 0, 1]]) {
    const ending = new End(await connect({ port: server.port }));
    await ending.write(new Uint8Array(bytes));
    await ending.close();
    assertEquals((await server.failure()).error.code, "reset");
    ending.drop();
    const aborting = new End(await connect({ port: server.port }));
    await aborting.write(new Uint8Array(bytes));
    await aborting.abort();
    assertEquals((await server.failure()).error.code, "reset");
  }
  await server.serves();
  assertEquals(server.failures, 6);
});

test("TLS listener: a client that rejects the certificate is reported", async () => {
  await using server = await TlsServer.listen({ handshakeTimeout: LONG });
  await server.refuses({ ...trusting, serverName: "example.com" }, "tls");
  // It may just hang up.
  assertMatch((await server.failure()).error.code, /^(tls|reset)$/);
  await server.serves();
});

test("TLS listener: a silent client times out", async () => {
  await using server = await TlsServer.listen({ handshakeTimeout: 50 });
  const silent = new End(await connect({ port: server.port }));
  const { error, remoteAddress } = await server.failure();
  assertEquals(error.code, "timed-out");
  assertMatch(error.message, /50 ms/);
  assertLocal(remoteAddress);
  assertEquals(await silent.readAll(), new Uint8Array(0));
  silent.drop();
});

test("TLS listener: a client that trickles bytes times out", async () => {
  await using server = await TlsServer.listen({ handshakeTimeout: 200 });
  // On a busy machine all timers may be due at once, and it has said nothing.
  for (let said = 0; said < 2;) {
    said = 0;
    const slow = new End(await connect({ port: server.port }));
    const timer = setInterval(() => {
      slow.writer.write(new Uint8Array([[22, 3, 1, 1, 0, 1][said++] ?? 0])).catch(() => {});
    }, 20);
    assertEquals((await server.failure()).error.code, "timed-out");
    clearInterval(timer);
    slow.drop();
  }
});

test("TLS listener: many silent clients do not keep others from being served", async () => {
  const count = 200;
  await using server = await TlsServer.listen({ handshakeTimeout: 1000 });
  const silent = await Promise.all(
    Array.from({ length: count }, async (_, id) => {
      const end = new End(await connect({ port: server.port }));
      if (id % 2) await end.write(new Uint8Array([22, 3, 1]));
      return end;
    }),
  );
  await server.serves();
  const addresses = new Set<number>();
  for (let told = 0; told < count; told++) {
    const { error, remoteAddress } = await server.failure();
    assertEquals(error.code, "timed-out");
    assert(remoteAddress?.transport === "tcp");
    addresses.add(remoteAddress.port);
  }
  assertEquals(addresses.size, count);
  await server.serves();
  assertEquals(server.failures, count);
  for (const end of silent) end.drop();
});

test("TLS listener: handshakes run side by side", async () => {
  await using server = await TlsServer.listen({ handshakeTimeout: LONG });
  // The first is stuck; if the others had to wait for it, they would for a minute.
  const stuck = new End(await connect({ port: server.port }));
  await stuck.write(new Uint8Array([22, 3, 1]));
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => soon(connect({ port: server.port, tls: trusting }), "one")),
  );
  const accepted = [];
  while (accepted.length < clients.length) accepted.push(await server.accept());
  for (const duplex of [...clients, ...accepted]) new End(duplex).drop();
  stuck.drop();
});

test("TLS listener: an observer that throws harms nobody", async () => {
  const observers = [
    () => {
      throw new Error("thrown by the observer");
    },
    () => Promise.reject(new Error("rejected by the observer")),
  ];
  for (const throwing of observers) {
    const told = { count: 0 };
    await using server = await TlsServer.listen({
      onHandshakeError: () => {
        told.count++;
        return throwing();
      },
    });
    const strange = new End(await connect({ port: server.port }));
    await strange.write(new TextEncoder().encode("hello\n"));
    await soon(outcome(strange.readAll()), "the end");
    strange.drop();
    await server.serves();
    assertEquals(told.count, 1);
  }
});

test("TLS listener: onHandshakeError is optional", async () => {
  await using server = await TlsServer.listen({ onHandshakeError: undefined });
  const strange = new End(await connect({ port: server.port }));
  await strange.write(new TextEncoder().encode("hello\n"));
  await soon(outcome(strange.readAll()), "the end");
  strange.drop();
  await server.serves();
});

test("TLS listener: close() aborts handshakes in progress without reporting them", async () => {
  const server = await TlsServer.listen({ handshakeTimeout: LONG });
  const silent = new End(await connect({ port: server.port }));
  // So that it has been seen: whoever comes later is served later.
  await server.serves();
  await server.listener.close();
  const read = await soon(outcome(silent.readAll()), "the end of the handshake");
  if (read.kind === "value") assertEquals(read.value.length, 0);
  silent.drop();
  assertEquals(server.failures, 0);
});

const ALERT = 21;

function assertLocal(address: SocketAddress | undefined): void {
  assert(address?.transport === "tcp");
  assertEquals(address.hostname, "127.0.0.1");
  assert(address.port > 0);
}

/** The greeting of a client that knows nothing newer than TLS 1.1. */
function helloOfTls11(): Uint8Array {
  const suites = [0, 4, 0xc0, 0x0a, 0xc0, 0x14];
  const body = [3, 2, ...new Uint8Array(32), 0, ...suites, 1, 0];
  const handshake = [1, 0, 0, body.length, ...body];
  return new Uint8Array([22, 3, 1, 0, handshake.length, ...handshake]);
}
