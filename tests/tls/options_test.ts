// What makes no sense is refused before anything is tried, with words that name it.
import { assertEquals, assertMatch } from "@std/assert";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { certified } from "../support/certificates.ts";
import { assertFails, ca, connect, listen, ours, TlsServer, trusting } from "../support/tls.ts";

const other = await certified(ca, ["other"]);
const garbled = ours.cert.replace(/\n[^-]{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
const cut = `${ours.cert.slice(0, 200)}\n-----END CERTIFICATE-----`;

const encrypted = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" });

/** Invalid options of both ends, and the expected messages. */
const BOTH: [tls: unknown, says: RegExp][] = [
  [null, /tls must be an object with options, not null/],
  [0, /tls must be an object/],
  ["", /tls must be an object/],
  ["yes", /tls must be an object/],
  [[], /tls must be an object/],
  ...identities(),
  ...protocols(),
  ...[0, -1, 1.5, NaN, Infinity, 2 ** 31, "1000", null].map((
    handshakeTimeout,
  ): [unknown, RegExp] => [
    { ...ours, handshakeTimeout },
    /tls\.handshakeTimeout must be an integer from 1 to 2147483647/,
  ]),
];

const CONNECT: [tls: unknown, says: RegExp][] = [
  ...BOTH,
  ...["", "no host", "exämple.com", "a..b", ".", "x".repeat(64), "a.".repeat(127) + "a", 7, null]
    .map((serverName): [unknown, RegExp] => [{ serverName }, /tls\.serverName must be/]),
  ...certificates("caCerts", {}),
  ...["yes", 1, 0, null].map((
    unverified,
  ): [unknown, RegExp] => [{ unverified }, /tls\.unverified/]),
  [{ unverified: true, ...trusting }, /tls\.caCerts means nothing with tls\.unverified/],
  [{ rejectUnauthorized: false }, /tls has no option rejectUnauthorized/],
  [{ ca: [ca.cert] }, /tls has no option ca\b/],
  [{ servername: "localhost" }, /tls has no option servername/],
  [{ clientCaCerts: [ca.cert] }, /tls has no option clientCaCerts/],
];

const LISTEN: [tls: unknown, says: RegExp][] = [
  ...BOTH,
  [true, /tls must be an object with options, not true/],
  [{}, /tls\.cert and tls\.key must both be given/],
  ...certificates("clientCaCerts", ours),
  ...["yes", {}, null].map((onHandshakeError): [unknown, RegExp] => [
    { ...ours, onHandshakeError },
    /tls\.onHandshakeError must be a function/,
  ]),
  [{ ...ours, ca: [ca.cert] }, /tls has no option ca\b/],
  [{ ...ours, requestCert: true }, /tls has no option requestCert/],
  [{ ...ours, unverified: true }, /tls has no option unverified/],
];

function identities(): [tls: unknown, says: RegExp][] {
  const { cert, key } = ours;
  return [
    [{ cert }, /tls\.cert and tls\.key must both be given/],
    [{ key }, /tls\.cert and tls\.key must both be given/],
    [{ cert: 1, key }, /tls\.cert and tls\.key must both be given/],
    [{ cert: "", key }, /tls\.cert has no certificate in PEM/],
    [{ cert: "nonsense", key }, /tls\.cert has no certificate in PEM/],
    [{ cert: key, key }, /tls\.cert has no certificate in PEM/],
    [{ cert: garbled, key }, /tls\.cert has a certificate that is broken/],
    [{ cert: cut, key }, /tls\.cert has a certificate that is broken/],
    [{ cert: `${cert}\n${cut}`, key }, /tls\.cert has a certificate that is broken/],
    [{ cert, key: "" }, /tls\.key is not a private key in PEM/],
    [{ cert, key: "nonsense" }, /tls\.key is not a private key in PEM/],
    [{ cert, key: cert }, /tls\.key is not a private key in PEM/],
    [{ cert, key: encrypted }, /tls\.key is not a private key in PEM, not encrypted/],
    [{ cert, key: other.key }, /tls\.key is not the private key of tls\.cert/],
  ];
}

function certificates(option: string, rest: object): [tls: unknown, says: RegExp][] {
  const says = (words: string) => new RegExp(`tls\\.${option} ${words}`);
  return [
    [{ ...rest, [option]: [] }, says("must be an array of at least one")],
    [{ ...rest, [option]: ca.cert }, says("must be an array")],
    [{ ...rest, [option]: null }, says("must be an array")],
    [{ ...rest, [option]: [""] }, says("has no certificate in PEM")],
    [{ ...rest, [option]: ["nonsense"] }, says("has no certificate in PEM")],
    [{ ...rest, [option]: [ca.key] }, says("has no certificate in PEM")],
    [{ ...rest, [option]: [new Uint8Array(3)] }, says("has no certificate in PEM")],
    [{ ...rest, [option]: [ca.cert, "nonsense"] }, says("has no certificate in PEM")],
    [{ ...rest, [option]: [cut] }, says("has a certificate that is broken")],
  ];
}

function protocols(): [tls: unknown, says: RegExp][] {
  const long = Array.from({ length: 257 }, (_, i) => `${i}`.padStart(255, "x"));
  return [
    ...[[], "h2", {}, null].map((alpnProtocols): [unknown, RegExp] => [
      { ...ours, alpnProtocols },
      /tls\.alpnProtocols must be an array of at least one protocol/,
    ]),
    ...[[""], ["x".repeat(256)], ["ä".repeat(128)], ["one", 2], [null]].map((
      alpnProtocols,
    ): [unknown, RegExp] => [
      { ...ours, alpnProtocols },
      /A protocol in tls\.alpnProtocols must be a string of 1 to 255 bytes/,
    ]),
    [{ ...ours, alpnProtocols: long }, /tls\.alpnProtocols is too long/],
  ];
}

test("TLS options: invalid options of connect are refused", async () => {
  await using server = await TlsServer.listen();
  for (const [tls, says] of CONNECT) {
    const options = { port: server.port, tls: tls as typeof trusting };
    const error = await assertFails(connect(options), "wrong-option");
    assertMatch(error.message, says);
  }
  await server.serves();
  // None of them has got as far as a handshake.
  assertEquals(server.failures, 0);
});

test("TLS options: invalid options of listen are refused", async () => {
  for (const [tls, says] of LISTEN) {
    const options = { port: 0, tls: tls as typeof ours };
    assertMatch((await assertFails(listen(options), "wrong-option")).message, says);
  }
});

test("TLS options: no message has a key in it", async () => {
  const secrets = [ours.key, ours.key.split("\n")[1]!];
  for (const [tls] of [...CONNECT, ...LISTEN]) {
    const options = { port: 0, tls: tls as typeof ours };
    const { message } = await assertFails(listen(options), "wrong-option");
    assertEquals(secrets.filter((secret) => message.includes(secret)), []);
  }
});

test("TLS options: TLS is not for Unix sockets", async () => {
  const path = "/tmp/protosocket-tls";
  for (const opening of [connect({ path, tls: true }), listen({ path, tls: ours })]) {
    const { message } = await assertFails(opening, "wrong-option");
    assertMatch(message, /tls is for TCP, not for Unix sockets/);
  }
});

test("TLS options: the others are checked too", async () => {
  await assertFails(connect({ port: 0, tls: true }), "wrong-option");
  await assertFails(listen({ port: -1, tls: ours }), "wrong-option");
  await assertFails(listen({ port: 0, backlog: 0, tls: ours }), "wrong-option");
});

test("TLS options: PEM is found wherever it is in a file", async () => {
  const around = (pem: string) => `Bag Attributes\r\n\r\n${pem.replaceAll("\n", "\r\n")}\r\n\r\n`;
  const both = around(ours.cert) + around(ours.key);
  await using server = await TlsServer.listen({ cert: both, key: both });
  await server.serves({ caCerts: [around(ca.cert)] });
});

test("TLS options: a key may be of any kind, in any form", async () => {
  const rsa = await certified("itself", ["127.0.0.1"], { keyType: "rsa" });
  const forms = [
    { ...ours, key: createPrivateKey(ours.key).export({ type: "sec1", format: "pem" }) },
    rsa,
    { ...rsa, key: createPrivateKey(rsa.key).export({ type: "pkcs1", format: "pem" }) },
  ];
  for (const identity of forms) {
    await using server = await TlsServer.listen(identity as typeof ours);
    await server.serves({ unverified: true });
  }
});

test("TLS options: false is plain text", async () => {
  await using listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  const client = await connect({ port, tls: false });
  await client.writable.abort();
});

test("TLS options: the caller's arrays are not kept", async () => {
  const alpnProtocols = ["one"];
  const clientCaCerts = [ca.cert];
  await using server = await TlsServer.listen({ alpnProtocols, clientCaCerts });
  alpnProtocols[0] = "two";
  clientCaCerts.pop();
  const { client } = await server.serves({ ...trusting, ...other, alpnProtocols: ["one"] });
  assertEquals(client.alpnProtocol, "one");
});
