// A client talks to the right server or to none.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { authority, certified } from "../support/certificates.ts";
import { runtime } from "../support/runtime.ts";
import { ca, ours, stranger, TlsServer, trusting } from "../support/tls.ts";

test("TLS: a server whose certificate is signed by a given root, under the hostname", async () => {
  await using server = await TlsServer.listen();
  const { client } = await server.serves(trusting);
  assertEquals(client.remoteAddress, server.listener.address);
  await server.serves(trusting, { hostname: "localhost" });
  assertEquals(server.failures, 0);
});

test("TLS: the server's name may be another than the hostname", async () => {
  const example = await certified(ca, ["example.com", "*.example.org"]);
  await using server = await TlsServer.listen(example);
  for (const serverName of ["example.com", "EXAMPLE.com", "example.com.", "one.example.org"]) {
    await server.serves({ ...trusting, serverName });
  }
});

test("TLS: a wrong name is refused", async () => {
  await using server = await TlsServer.listen();
  for (const serverName of ["example.com", "localhost.example.com", "127.0.0.2", "::1"]) {
    const error = await server.refuses({ ...trusting, serverName }, "tls");
    assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+ with TLS: /);
    assert(error.cause, "the platform's error is missing");
  }
  await server.serves();
});

test("TLS: the hostname counts where no name is given", async () => {
  const named = await certified(ca, ["localhost"]);
  await using server = await TlsServer.listen(named);
  await server.refuses(trusting, "tls");
  await server.serves(trusting, { hostname: "localhost" });
});

test("TLS: a server whose certificate is signed by no root is refused", async () => {
  await using server = await TlsServer.listen();
  await server.refuses({ caCerts: [stranger.cert] }, "tls");
  await server.refuses(true, "tls");
  await server.refuses({}, "tls");
  await server.serves();
});

test("TLS: any of the roots will do, one by one or in a bundle", async () => {
  await using server = await TlsServer.listen();
  await server.serves({ caCerts: [stranger.cert, ca.cert] });
  await server.serves({ caCerts: [`${stranger.cert}\n${ca.cert}`] });
});

test("TLS: the server sends its intermediate certificates", async () => {
  const between = await authority("An authority between", ca);
  const { cert, key } = await certified(between, ["127.0.0.1"]);
  await using whole = await TlsServer.listen({ cert: `${cert}\n${between.cert}`, key });
  await whole.serves();
  await using part = await TlsServer.listen({ cert, key });
  await part.refuses(trusting, "tls");
});

test("TLS: a certificate that has expired is refused", async () => {
  const expired = await certified(ca, ["127.0.0.1"], { expired: true });
  await using server = await TlsServer.listen(expired);
  const error = await server.refuses(trusting, "tls");
  // Deno's node:tls says that it cannot verify it.
  assertMatch(error.message, runtime === "deno" ? /verify/ : /expired/);
});

test("TLS: a certificate that is not a CA's cannot sign others", async () => {
  const forged = await certified(ours, ["127.0.0.1"]);
  await using server = await TlsServer.listen({
    cert: `${forged.cert}\n${ours.cert}`,
    key: forged.key,
  });
  await server.refuses(trusting, "tls");
});

test("TLS: unverified takes any certificate under any name", async () => {
  const servers = [
    ours,
    await certified("itself", ["127.0.0.1"]),
    await certified(stranger, ["example.com"]),
    await certified(ca, ["127.0.0.1"], { expired: true }),
  ];
  for (const identity of servers) {
    await using server = await TlsServer.listen(identity);
    await server.serves({ unverified: true });
    await server.serves({ unverified: true, serverName: "other.example.com" });
  }
});

test("TLS: an unverified connection does not turn off verification for others", async () => {
  await using server = await TlsServer.listen(await certified(stranger, ["127.0.0.1"]));
  await server.serves({ unverified: true });
  await server.refuses({ ...trusting, unverified: false }, "tls");
  await server.refuses(true, "tls");
});
