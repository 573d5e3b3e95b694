// Who a client is, by its certificate; and servers whose certificate is renewed.
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { generate } from "selfsigned";
import type { PeerCertificate, SocketDuplex } from "@protosocket/protosocket";
import { proxyHeader } from "@protosocket/protosocket/proxy-protocol";
import { fieldsOf } from "../../src/adapters/sockets/_der.ts";
import { authority, certified } from "../support/certificates.ts";
import { End } from "../support/end.ts";
import { ca, connect, listen, ours, TlsServer, trusting } from "../support/tls.ts";
import { soon } from "../support/within.ts";

const clients = await authority("An authority of clients");
const between = await authority("An authority between", clients);
const clientCaCerts = [clients.cert];

const derOf = (pem: string) => Uint8Array.from(new X509Certificate(pem).raw);

/** What a server knows of a client with that certificate. */
async function known(cert: string, key: string): Promise<PeerCertificate> {
  await using server = await TlsServer.listen({ clientCaCerts });
  const { server: accepted } = await server.serves({ ...trusting, cert, key });
  assert(accepted.peerCertificate);
  return accepted.peerCertificate;
}

test("identity: a client's certificate, and what signed it", async () => {
  const names = ["client-7", "192.0.2.7", "2001:db8::7"];
  const { cert, key } = await certified(between, names);
  const certificate = await known(`${cert.trim()}\n${between.cert}`, key);
  const own = new X509Certificate(cert);
  assertEquals(certificate.subject, { CN: "client-7" });
  assertEquals(certificate.issuer, { CN: "An authority between" });
  assertEquals(certificate.subjectAltNames, [
    { type: "dns", value: "client-7" },
    { type: "ip", value: "192.0.2.7" },
    { type: "ip", value: "2001:db8::7" },
  ]);
  assertEquals(certificate.validFrom, new Date(own.validFrom));
  assertEquals(certificate.validTo, new Date(own.validTo));
  assertEquals(certificate.serialNumber, own.serialNumber);
  assertEquals(certificate.raw, derOf(cert));
  const digest = createHash("sha256").update(certificate.raw).digest("hex").toUpperCase();
  assertEquals(certificate.fingerprint256.replaceAll(":", ""), digest);
  assertEquals(certificate.chain, [cert, between.cert, clients.cert].map(derOf));
});

test("identity: names of each type, and one that looks like several", async () => {
  const made = await generate([{ name: "commonName", value: "x" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: clients,
    extensions: [{
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "a.example, DNS:b.example" },
        { type: 6, value: "spiffe://example.com/client-7" },
        { type: 1, value: "a@example.com" },
      ],
    }],
  });
  const { subjectAltNames } = await known(made.cert, made.private);
  assertEquals(subjectAltNames, [
    { type: "dns", value: "a.example, DNS:b.example" },
    { type: "uri", value: "spiffe://example.com/client-7" },
    { type: "email", value: "a@example.com" },
  ]);
});

test("identity: a certificate without names, and one of a far time", async () => {
  const made = await generate([{ name: "commonName", value: "x" }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date("1999-12-31T23:59:58Z"),
    notAfterDate: new Date("2051-02-03T04:05:06Z"),
    extensions: [{ name: "basicConstraints", cA: false }],
  });
  assertEquals(fieldsOf(derOf(made.cert)), {
    validFrom: new Date("1999-12-31T23:59:58Z"),
    validTo: new Date("2051-02-03T04:05:06Z"),
    subjectAltNames: [],
  });
});

test("identity: without client certificates there is none", async () => {
  await using server = await TlsServer.listen();
  const { client, server: accepted } = await server.serves();
  assertEquals([client.peerCertificate, accepted.peerCertificate], [undefined, undefined]);
});

test("identity: behind a proxy too", async () => {
  const { cert, key } = await certified(clients, ["client-7"]);
  const tls = { ...ours, clientCaCerts };
  await using listener = await listen({ port: 0, tls, proxyProtocol: { trust: ["127.0.0.1"] } });
  const { port } = listener.address as { port: number };
  const source = { transport: "tcp", hostname: "198.51.100.7", port: 4711 } as const;
  const { connect: connectRaw } = await import("node:net");
  const { connect: secure } = await import("node:tls");
  const raw = connectRaw(port, "127.0.0.1");
  raw.write(proxyHeader({ source, destination: source }));
  const socket = secure({ socket: raw, ca: ca.cert, servername: "localhost", cert, key });
  socket.on("error", () => {});
  const { value } = await soon(listener[Symbol.asyncIterator]().next(), "a connection");
  const accepted: SocketDuplex = value!;
  assertEquals(accepted.remoteAddress, source);
  assertEquals(accepted.peerCertificate?.subject, { CN: "client-7" });
  new End(accepted).drop();
  socket.destroy();
});

test("setCertificate: new handshakes get the new one, connections stay", async () => {
  await using server = await TlsServer.listen({ clientCaCerts, alpnProtocols: ["b", "a"] });
  const client = await certified(clients, ["client-7"]);
  const alpnProtocols = ["a", "b"];
  const open = await soon(
    connect({ port: server.port, tls: { ...trusting, ...client, alpnProtocols } }),
    "a connection",
  );
  const [here, there] = [new End(open), new End(await server.accept())];
  const another = await authority("Another authority");
  const renewed = await certified(another, ["localhost", "127.0.0.1"]);
  server.listener.setCertificate(renewed);
  await here.write(new Uint8Array([1]));
  assertEquals(await there.readExactly(1), new Uint8Array([1]));
  here.drop();
  there.drop();
  // Those who trust the old one only do not trust the new one, and the other way round.
  await server.refuses({ ...trusting, ...client }, "tls");
  const tls = { caCerts: [another.cert], ...client, alpnProtocols };
  const served = await server.serves(tls);
  // All else is as before.
  assertEquals(served.client.alpnProtocol, "b");
  assertEquals(served.server.peerCertificate?.subject, { CN: "client-7" });
});

test("setCertificate: one that cannot be used changes nothing", async () => {
  await using listener = await listen({ port: 0, tls: ours });
  const other = await certified(ca, ["localhost"]);
  const { port } = listener.address as { port: number };
  assertThrows(() => listener.setCertificate({ ...ours, key: other.key }), TypeError, "tls.key");
  assertThrows(() => listener.setCertificate({ cert: "", key: ours.key }), TypeError, "tls.cert");
  const client = await soon(connect({ port, tls: trusting }), "a connection");
  new End(client).drop();
});

test("setCertificate: a listener without TLS has no use for it", async () => {
  for (const proxyProtocol of [undefined, { trust: "any" } as const]) {
    await using listener = await listen({ port: 0, proxyProtocol });
    const error = assertThrows(() => listener.setCertificate(ours), TypeError);
    assertMatch((error as Error).message, /without the option tls/);
  }
});
