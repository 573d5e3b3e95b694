// All that must be green before a change goes in.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { root } from "./support/runtimes.ts";

const HELP = `Usage: npm run ok
       deno task ok

Runs check, test, score and consumers, one after another, and stops at the first that
fails, with exit code 1. What each does tells npm run NAME -- --help.`;

const STEPS = ["check", "test", "score", "consumers"];

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  const failed = STEPS.find((name) => {
    console.log(`\n== ${name}`);
    const { status } = spawnSync("npm", ["run", "--silent", name], {
      cwd: root,
      stdio: "inherit",
      shell: process.platform === "win32",
    });
    return status !== 0;
  });
  console.log(failed ? `\nFAILED ${failed}` : "\nok");
  if (failed) process.exitCode = 1;
}
