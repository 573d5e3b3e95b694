// Lets servers go under load, many times, and counts the calls that fail.
import { spawn } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import { command, parseRuntime, root, runArgs, RUNTIMES } from "../tools/runtimes.ts";

const HELP = `Usage: npm run drain -- [options]

Two servers, each a process, and a pool that calls them two hundred times a second over
TCP. A server gets SIGTERM, goes, and is started again. Scenarios: short and longer calls,
calls that are idempotent, long calls and endless streams open meanwhile, streams that move,
and three rolling restarts. Prints each run in which a call failed or was begun twice, and
the counts of each scenario. Exits with 1 if there was such a run.

  --runs N         runs per scenario (default 30)
  --runtime NAME   deno, bun or node (default: all three, one after the other)
  --long MS        how long the long calls take, and how long servers wait for endless
                   streams, in milliseconds (default 3000)
  --only TEXT      only the scenarios with TEXT in their names
  --help           this text`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "30" },
    runtime: { type: "string" },
    long: { type: "string", default: "3000" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

function positive(name: string, text: string): string {
  if (/^[1-9]\d{0,8}$/.test(text)) return text;
  throw new Error(`--${name} must be a whole number from 1, not ${text}`);
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    const runtimes = values.runtime === undefined ? RUNTIMES : [parseRuntime(values.runtime)];
    const args = [positive("runs", values.runs), positive("long", values.long), values.only];
    for (const runtime of runtimes) {
      console.log(`${runtime}:`);
      const child = spawn(command(runtime), runArgs(runtime, "tests/drain/main.ts", args), {
        cwd: root,
        stdio: "inherit",
      });
      const code = await new Promise((resolve, reject) => {
        child.on("error", reject).on("close", resolve);
      });
      if (code !== 0) process.exitCode = 1;
    }
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
