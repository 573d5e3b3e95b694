// The roots that the runtime brings, to which the environment adds the tests' own.
import { assertEquals } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { directory } from "../conformance/sockets.ts";
import { Program } from "../support/program.ts";
import { ca, stranger, TlsServer } from "../support/tls.ts";

/** How each runtime is given roots besides its own. */
const VARIABLES = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

async function dial(port: number, added: string | undefined, roots: string): Promise<string> {
  const env = Object.fromEntries(VARIABLES.map((name) => [name, added ?? ""]));
  await using program = new Program("tests/support/tls_dial.ts", [String(port), roots], { env });
  const [, outcome] = await program.until(/^outcome: (.*)\n/m);
  return outcome!;
}

test("TLS: public roots are trusted unless roots are given, which replace them", async () => {
  using place = directory();
  const file = (name: string, text: string) => {
    writeFileSync(join(place.path, name), text);
    return join(place.path, name);
  };
  const ours = file("ours.pem", ca.cert);
  const others = file("others.pem", stranger.cert);
  await using server = await TlsServer.listen();
  const outcomes = await Promise.all([
    dial(server.port, undefined, "public"),
    dial(server.port, ours, "public"),
    dial(server.port, ours, others),
    dial(server.port, others, ours),
  ]);
  assertEquals(outcomes, ["tls", "connected", "tls", "connected"]);
});
