import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";

test("example proto-tls: echoes over TLS, and not without", async () => {
  await using server = new Program("examples/proto-tls/server.ts", ["127.0.0.1:0"]);
  const { address } = await server.listening();
  const args = [address, "--seconds", "1.5", "--in-flight", "16"];
  await using client = new Program("examples/proto-tls/client.ts", args);
  assertEquals(await client.ended, 0, client.said);
  const line = String.raw`[1-9][\d,]* rpc/s  p50 [\d.]+  p99 [\d.]+  p99\.9 [\d.]+ ms\n`;
  assertMatch(client.said, new RegExp(`^${line}summary ${line}$`));

  await using plain = new Program("examples/proto/client.ts", args);
  assertEquals(await plain.ended, 1, plain.said);
  await server.until(/^The TLS handshake failed: /m);
});
