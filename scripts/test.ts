// Runs the same test files on Deno, Bun and Node.
import { parseArgs } from "node:util";
import { parseRuntime, RUNTIMES } from "./support/runtimes.ts";
import { close, runOnAll, testFiles } from "./support/test_runs.ts";

const HELP = `Usage: npm test -- [options] [part of a file's name ...]

Runs the tests on Deno, Bun and Node, prints the counts of each, behind "figures:" what the
tests have measured, and closes with "N passed, N failed, N skipped". A file that fails is run
once more; one that passes then is told behind "FLAKY". Exits with 1 if anything failed twice.

  --runtime NAME   on deno, bun or node only (may be given again)
  --help           this text`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  const files = testFiles("tests", "tests/interop")
    .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)));
  close(await runOnAll(values.runtime?.map(parseRuntime) ?? RUNTIMES, files));
}
