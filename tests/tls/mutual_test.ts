// A server that serves only clients with a certificate.
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import type { TlsConnectOptions } from "../../src/adapters/base/_options.ts";
import { authority, certified } from "../support/certificates.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { ca, connect, stranger, TlsServer, trusting } from "../support/tls.ts";
import { outcome, soon } from "../support/within.ts";

const clients = await authority("An authority of clients");
const client = await certified(clients, ["a client"]);
const clientCaCerts = [clients.cert];

test("mutual TLS: a client with a certificate is served", async () => {
  await using server = await TlsServer.listen({ clientCaCerts });
  await server.serves({ ...trusting, ...client });
  await using any = await TlsServer.listen({ clientCaCerts: [stranger.cert, clients.cert] });
  await any.serves({ ...trusting, ...client });
  assertEquals(server.failures + any.failures, 0);
});

test("mutual TLS: a client sends its intermediate certificates", async () => {
  const between = await authority("An authority between", clients);
  const { cert, key } = await certified(between, ["a client"]);
  await using server = await TlsServer.listen({ clientCaCerts });
  await server.serves({ ...trusting, cert: `${cert}\n${between.cert}`, key });
});

test("mutual TLS: a client without a certificate is refused", async () => {
  await using server = await TlsServer.listen({ clientCaCerts });
  const error = await turnedAway(server, trusting);
  assertEquals(error?.code, "tls");
  await server.serves({ ...trusting, ...client });
});

test("mutual TLS: a client with a certificate that is not trusted is refused", async () => {
  await using server = await TlsServer.listen({ clientCaCerts });
  const refused = {
    "by another authority": await certified(stranger, ["a client"]),
    "by the server's own authority": await certified(ca, ["a client"]),
    "by itself": await certified("itself", ["a client"]),
    "expired": await certified(clients, ["a client"], { expired: true }),
  };
  for (const [what, identity] of Object.entries(refused)) {
    const error = await turnedAway(server, { ...trusting, ...identity });
    // A runtime whose TLS has no word for it resets the connection; Deno's node:tls tells
    // the client of a reset as of an end.
    if (error) assertMatch(error.code, /^(tls|reset)$/, what);
    else assertEquals(runtime, "deno", `an end in order: ${what}`);
  }
  await server.serves({ ...trusting, ...client });
});

test("mutual TLS: a silent client times out", async () => {
  await using server = await TlsServer.listen({ clientCaCerts, handshakeTimeout: 50 });
  const silent = await Promise.all(
    Array.from({ length: 20 }, () => connect({ port: server.port })),
  );
  for (const _ of silent) assertEquals((await server.failure()).error.code, "timed-out");
  // Not before: the first that is told of may be another than the first that connected.
  for (const duplex of silent) duplex.writable.abort().catch(() => {});
  await server.servesAtLast({ ...trusting, ...client });
});

test("mutual TLS: a server that does not require a certificate accepts a client that has one", async () => {
  await using server = await TlsServer.listen();
  await server.serves({ ...trusting, ...client });
});

/**
 * Connects, and is never accepted. With TLS 1.3 the client may have thought that it was:
 * what it learns, it learns at the latest when it reads. Returns that, nothing for an end.
 */
async function turnedAway(
  server: TlsServer,
  tls: TlsConnectOptions,
): Promise<TransportError | undefined> {
  const connecting = await soon(outcome(connect({ port: server.port, tls })), "an outcome");
  const { error, remoteAddress } = await server.failure();
  assertEquals(error.code, "tls", error.message);
  assert(remoteAddress?.transport === "tcp");
  if (connecting.kind === "error") {
    assertInstanceOf(connecting.error, TransportError);
    return connecting.error;
  }
  const end = new End(connecting.value);
  const read = await soon(outcome(end.readAll()), "the first read");
  end.drop();
  if (read.kind === "value") return void assertEquals(read.value, new Uint8Array(0));
  assertInstanceOf(read.error, TransportError);
  return read.error;
}
