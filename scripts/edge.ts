// Tests the Cloudflare adapter and its example in workerd, the runtime of Cloudflare Workers.
import { parseArgs } from "node:util";
import { buildRust, hasCargo } from "./support/rust.ts";
import { checkProgram } from "./support/sizes.ts";
import { testFiles } from "./support/test_files.ts";
import { close, runOnAll } from "./support/test_runs.ts";
import { installWorkerd } from "./support/workerd.ts";

const HELP = `Usage: npm run edge [-- --help]

Installs workerd from npm into node_modules/.cache (some 100 MB, the first time), bundles
the Worker of examples/cloudflare and prints its size, builds the Rust echo server if cargo
is installed, and runs the tests of tests/edge: the adapter conformance suite inside
workerd, connecting with and without TLS, and the example, whose Durable Object is left
idle until it hibernates (half a minute). Ends with "N passed, N failed, N skipped"; exits
with 1 if anything failed. If workerd cannot be installed, everything is skipped.`;

const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });

if (values.help) {
  console.log(HELP);
} else {
  const files = testFiles("tests/edge");
  console.log("installing workerd");
  const reason = installWorkerd();
  if (reason) {
    console.log(`skipped: ${reason}`);
    close({ passed: 0, failed: 0, skipped: files.length });
  } else {
    if (!hasCargo()) console.log("skipped: no cargo, so no Rust server");
    else if (!buildRust()) throw new Error("The Rust program does not build");
    const ok = await checkProgram("edge");
    close(await runOnAll(["node"], files), ok);
  }
}
