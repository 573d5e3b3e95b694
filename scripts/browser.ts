// Tests the library in pages of a real browser.
import process from "node:process";
import { parseArgs } from "node:util";
import { findChromium } from "./support/chromium.ts";
import { buildRust, hasCargo } from "./support/rust.ts";
import { checkProgram } from "./support/sizes.ts";
import { testFiles } from "./support/test_files.ts";
import { close, runOnAll } from "./support/test_runs.ts";

const HELP = `Usage: npm run browser -- [options]

Builds the Rust echo server if cargo is installed, checks the size of what the page of
examples/browser loads, and runs the tests of tests/browser in Chromium: the adapter
conformance suite inside a page, and the example's page, of which screenshots go to
artefacts/. Ends with "N passed, N failed, N skipped"; exits with 1 if anything failed. If
no Chromium, Chrome or Edge is found, everything is skipped.

  --headed         shows the browser window
  --program FILE   the browser to use, if it is not found automatically
  --help           this text`;

const { values } = parseArgs({
  options: {
    headed: { type: "boolean", default: false },
    program: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const files = testFiles("tests/browser");
const program = values.program ?? findChromium();
if (values.help) {
  console.log(HELP);
} else if (!program) {
  console.log("skipped: no Chromium");
  close({ passed: 0, failed: 0, skipped: files.length });
} else {
  if (!hasCargo()) console.log("skipped: no cargo, so no Rust server");
  else if (!buildRust()) throw new Error("The Rust program does not build");
  process.env.PROTOSOCKET_CHROMIUM = program;
  if (values.headed) process.env.PROTOSOCKET_HEADED = "1";
  console.log(`pages are opened in ${program}`);
  const ok = await checkProgram("browser");
  close(await runOnAll(["node"], files), ok);
}
