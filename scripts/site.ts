// Builds the API reference from the source's comments.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import process from "node:process";
import { command, root } from "../tools/runtimes.ts";

const FOLDER = "docs/reference";
const HELP = `Usage: npm run site

Builds the API reference of all entry points as HTML in ${FOLDER}, replacing what is there,
and prints the path of its first page. Needs no network. Exits with 1 if that fails.`;

function main(): number {
  const { name, exports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
  const entries = Object.values<string>(exports);
  rmSync(root + FOLDER, { recursive: true, force: true });
  console.log(`making the reference of ${entries.length} entry points …`);
  const { status, stdout, stderr } = spawnSync(
    command("deno"),
    ["doc", "--html", `--name=${name}`, `--output=${FOLDER}`, ...entries],
    { cwd: root, encoding: "utf8" },
  );
  const index = `${root}${FOLDER}/index.html`;
  if (status !== 0 || !existsSync(index)) {
    console.error(stdout, stderr);
    return 1;
  }
  console.log(index);
  return 0;
}

if (process.argv.includes("--help")) console.log(HELP);
else process.exitCode = main();
