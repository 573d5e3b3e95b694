// Runs the same test files on Deno, Bun and Node.
import { parseArgs } from "node:util";
import { parseRuntime, RUNTIMES } from "./support/runtimes.ts";
import { close, runOnAll, testFiles } from "./support/test_runs.ts";

const HELP = `Usage: npm test -- [options] [part of a file's path ...]

Runs the tests on Deno, Bun and Node, or only those whose path contains one of the parts.
Prints the counts for each runtime, after "figures:" what the tests have measured, and at
the end "N passed, N failed, N skipped". A file that fails is run once more; if it then
passes, it is listed after "FLAKY". Exits with 1 if anything failed twice.

  --runtime NAME   only on deno, bun or node (may be repeated)
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
