// Everything that reads the code without running it. With --fix, formats it.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { command, root } from "./support/runtimes.ts";
import { readFileSync } from "node:fs";

const HELP = `Usage: npm run check -- [--fix]

Checks formatting, lint, types (Deno's and TypeScript's), that the public types are
written out (JSR's "no slow types"), and that everything public is documented.
--fix formats first. Exits with 1 if anything is found.`;

const entries = Object.values<string>(JSON.parse(readFileSync(`${root}deno.json`, "utf8")).exports);
const fix = process.argv.includes("--fix");
const deno = command("deno");
const steps: [name: string, program: string, args: string[]][] = [
  ["formatting", deno, fix ? ["fmt"] : ["fmt", "--check"]],
  ["lint", deno, ["lint"]],
  ["types, Deno", deno, ["check", "mod.ts", "src", "tests", "examples", "scripts"]],
  ["types, TypeScript", `${root}node_modules/.bin/tsc`, ["-p", "."]],
  ["slow types", deno, ["publish", "--dry-run", "--allow-dirty"]],
  ["doc lint", deno, ["doc", "--lint", ...entries]],
];

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  for (const [name, program, args] of steps) {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: root,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    console.log(`${status === 0 ? "ok    " : "FAILED"} ${name}`);
    if (status === 0) continue;
    process.exitCode = 1;
    console.log(stdout, stderr);
  }
}
