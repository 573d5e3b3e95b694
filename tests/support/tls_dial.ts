// Connects to localhost with TLS, in a process whose public roots are the test's to choose:
//
//   tls_dial.ts PORT ROOTS
//
// ROOTS is a file of certificates in PEM to trust instead of the public ones, or "public".
// Prints how it went.
import { readFileSync } from "node:fs";
import process from "node:process";
import { TransportError } from "../../mod.ts";
import { sockets } from "../../examples/support/sockets.ts";

const { connect } = await sockets();
const [port, roots] = process.argv.slice(2);
const tls = roots === "public" ? true : { caCerts: [readFileSync(roots!, "utf8")] };
try {
  const duplex = await connect({ hostname: "localhost", port: Number(port), tls });
  console.log("outcome: connected");
  await duplex.writable.abort();
} catch (error) {
  console.log(`outcome: ${error instanceof TransportError ? error.code : error}`);
}
