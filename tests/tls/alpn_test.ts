// Which protocol is spoken inside (ALPN).
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { connect, listen, TlsServer, trusting } from "../support/tls.ts";
import { soon } from "../support/within.ts";

test("ALPN: both ends report the negotiated protocol", async () => {
  await using server = await TlsServer.listen({ alpnProtocols: ["one", "two"] });
  const ends = await server.serves({ ...trusting, alpnProtocols: ["two", "three"] });
  assertEquals([ends.client.alpnProtocol, ends.server.alpnProtocol], ["two", "two"]);
});

test("ALPN: the server's order counts", async () => {
  await using server = await TlsServer.listen({ alpnProtocols: ["one", "two"] });
  const { client } = await server.serves({ ...trusting, alpnProtocols: ["two", "one"] });
  assertEquals(client.alpnProtocol, "one");
});

test("ALPN: a client that offers only others is refused", async () => {
  await using server = await TlsServer.listen({ alpnProtocols: ["one", "two"] });
  await server.refuses({ ...trusting, alpnProtocols: ["three"] }, "tls");
  assertEquals((await server.failure()).error.code, "tls");
  await server.serves({ ...trusting, alpnProtocols: ["one"] });
});

test("ALPN: if one end has no protocols, none is negotiated", async () => {
  await using choosy = await TlsServer.listen({ alpnProtocols: ["one"] });
  const without = await choosy.serves(trusting);
  assertEquals([without.client.alpnProtocol, without.server.alpnProtocol], [undefined, undefined]);
  await using plain = await TlsServer.listen();
  const alone = await plain.serves({ ...trusting, alpnProtocols: ["one"] });
  assertEquals([alone.client.alpnProtocol, alone.server.alpnProtocol], [undefined, undefined]);
});

test("ALPN: the longest names that there are", async () => {
  const alpnProtocols = ["x".repeat(255)];
  await using server = await TlsServer.listen({ alpnProtocols });
  const { client } = await server.serves({ ...trusting, alpnProtocols });
  assertEquals(client.alpnProtocol, alpnProtocols[0]);
});

test("ALPN: plain text has none", async () => {
  await using listener = await listen({ port: 0 });
  const { address } = listener;
  const client = await soon(connect(address as { port: number }), "a connection");
  assertEquals(client.alpnProtocol, undefined);
  await client.writable.abort();
});
