// Everything that must be green before a change is merged.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { command, current, root, runArgs } from "../tools/runtimes.ts";

const HELP = `Usage: npm run ok
       deno task ok

Runs check, test:all, score and consumers, one after another, with the runtime that runs this
script. Stops at the first that fails, and exits with 1. npm run NAME -- --help describes
each.`;

const STEPS = ["check", "test --all", "score", "consumers"];

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  const runtime = current();
  const failed = STEPS.find((name) => {
    console.log(`\n== ${name}`);
    const [script, ...flags] = name.split(" ");
    const args = runArgs(runtime, `scripts/${script}.ts`, flags);
    return spawnSync(command(runtime), args, { cwd: root, stdio: "inherit" }).status !== 0;
  });
  console.log(failed ? `\nFAILED ${failed}` : "\nok");
  if (failed) process.exitCode = 1;
}
