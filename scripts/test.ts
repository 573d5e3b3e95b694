// Runs the same test files on Deno, Bun and Node.
import { parseArgs } from "node:util";
import { parseRuntime, RUNTIMES } from "../tools/runtimes.ts";
import { isOverStreams, isSlow, ONLY_STREAMS, testFiles } from "./support/test_files.ts";
import { close, runOnAll } from "./support/test_runs.ts";

const HELP = `Usage: npm test -- [options] [part of a file's path ...]
       npm run test:all
       npm test -- --streams [part of a file's path ...]

Runs the tests on Deno, Bun and Node side by side, or those whose path contains one of the
parts. Without a part it leaves out the slow ones, which break connections, kill servers, crowd
them or fuzz them (scripts/support/test_files.ts lists them); test:all runs everything.

Prints how far it is, after "figures:" what the tests have measured, the slowest files, the
counts for each runtime, and at the end "N passed, N failed, N skipped". A file that fails is
run once more, alone; if it then passes, it is listed after "FLAKY". Exits with 1 if anything
failed twice.

  --all            also the slow ones
  --streams        with the synchronous face of every duplex switched off, so that connections
                   go through its streams; without a part, what makes, breaks and attacks them
  --runtime NAME   only on deno, bun or node (may be repeated)
  --help           this text`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    streams: { type: "boolean", default: false },
    runtime: { type: "string", multiple: true },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  const wanted = (file: string) => {
    if (positionals.length > 0) return positionals.some((part) => file.includes(part));
    return values.streams ? isOverStreams(file) : values.all || !isSlow(file);
  };
  const files = testFiles("tests", "tests/interop").filter(wanted);
  const preload = values.streams ? ONLY_STREAMS : undefined;
  close(await runOnAll(values.runtime?.map(parseRuntime) ?? RUNTIMES, files, preload));
}
