// Static checks, and the documentation's examples. With --fix, formats the code first.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { command, packaged, root } from "../tools/runtimes.ts";
import { readFileSync } from "node:fs";

const HELP = `Usage: npm run check -- [--fix]

Checks the lists of entry points, formatting, lint, types (with Deno and with TypeScript), that public types are
explicit (JSR's "no slow types"), that everything public is documented, and that the
examples in the documentation run. Exits with 1 if anything is found.

  --fix     formats the code first
  --help    this text`;

const DOC_LINT = "doc lint";

/** Whether anything was found in this repository, and not in the types of a package that ours refer to. */
function foundHere(report: string): boolean {
  const places = [...report.matchAll(/^ *--> (.*)$/gm)].map(([, place]) => place!);
  return places.length === 0 || places.some((place) => place.startsWith(root));
}

const entries = Object.values<string>(JSON.parse(readFileSync(`${root}deno.json`, "utf8")).exports);
const fix = process.argv.includes("--fix");
const deno = command("deno");
const runTs = "Deno" in globalThis ? ["run", "-A"] : ["--import", "tsx"];
const steps: [name: string, program: string, args: string[]][] = [
  ["entry points", process.execPath, [...runTs, "scripts/entries.ts", "--check"]],
  ["formatting", deno, fix ? ["fmt"] : ["fmt", "--check"]],
  ["lint", deno, ["lint"]],
  ["types, Deno", deno, [
    "check",
    "mod.ts",
    "src",
    "tests",
    "examples",
    "bench",
    "scripts",
    "tools",
  ]],
  ["types, TypeScript", command("node"), [packaged("typescript/bin/tsc"), "-p", "."]],
  ["slow types", deno, ["publish", "--dry-run", "--allow-dirty"]],
  [DOC_LINT, deno, ["doc", "--lint", ...entries]],
  ["examples in the documentation", process.execPath, [...runTs, "scripts/docs.ts"]],
];

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  for (const [name, program, args] of steps) {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    const ok = status === 0 || (name === DOC_LINT && !foundHere(stderr));
    console.log(`${ok ? "ok    " : "FAILED"} ${name}`);
    if (ok) continue;
    process.exitCode = 1;
    console.log(stdout, stderr);
  }
}
