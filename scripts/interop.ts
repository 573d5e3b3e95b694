// Builds the Rust programs on the published crates and runs the interop tests with them.
import { parseArgs } from "node:util";
import { parseRuntime, RUNTIMES } from "../tools/runtimes.ts";
import { buildRust, hasCargo } from "./support/rust.ts";
import { isOverStreams, ONLY_STREAMS, testFiles } from "./support/test_files.ts";
import { close, runOnAll } from "./support/test_runs.ts";

const HELP = `Usage: npm run interop -- [options]

Builds tests/interop/rust, which uses the published protosocket crates, and runs it as
client and as server against this library on Deno, Bun and Node; and tests/interop/serde,
which writes and reads every form of serde and prost with random values, whose bytes are
compared. Needs cargo, without which everything is skipped.

  --streams        with the synchronous face of every duplex switched off, so that connections
                   go through its streams; only the tests that make some
  --runtime NAME   only on deno, bun or node (may be repeated)
  --help           this text`;

const { values } = parseArgs({
  options: {
    streams: { type: "boolean", default: false },
    runtime: { type: "string", multiple: true },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
} else if (!hasCargo()) {
  console.log("skipped: no cargo");
  close({ passed: 0, failed: 0, skipped: testFiles("tests/interop").length });
} else if (!buildRust()) {
  console.log("a Rust program does not build");
  close({ passed: 0, failed: 1, skipped: 0 });
} else {
  const runtimes = values.runtime?.map(parseRuntime) ?? RUNTIMES;
  const files = testFiles("tests/interop");
  close(
    values.streams
      ? await runOnAll(runtimes, files.filter(isOverStreams), ONLY_STREAMS)
      : await runOnAll(runtimes, files),
  );
}
