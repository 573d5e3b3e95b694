import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Program } from "../../support/program.ts";

const SAYS = `ACME costs 100
0: 42.5
1: 42.75
2: 43
2 orders: 370
2 ACME at 100
4 BOND at 42.5
not-found: There is no NONE (NONE)
`;

test("example services: each method, and a failure with a detail", async () => {
  await using server = new Program("examples/services/server.ts", ["127.0.0.1:0"]);
  const { address } = await server.listening();
  await using client = new Program("examples/services/client.ts", [address]);
  assertEquals(await client.ended, 0, client.said);
  assertEquals(client.said, SAYS);
  assertEquals(server.said, `listening ${address}\n`);
});
