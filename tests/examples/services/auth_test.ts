import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Program } from "../../support/program.ts";

const SAYS = `without a token: unauthenticated
with a token: hello, ada
with a token to renew: hello, ada
with a token that was renewed: hello, ada
with a certificate: hello, ben
without a certificate: unavailable
`;

test("example auth: tokens, renewed ones, and certificates", async () => {
  await using program = new Program("examples/auth/main.ts");
  assertEquals(await program.ended, 0, program.said);
  assertEquals(program.said, SAYS);
});
