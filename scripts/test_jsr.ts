// Runs the tests on Deno with `@std/*` from JSR itself, as a user of the package has them.
//
// A copy of the repository without `offline/` is what runs, so that programs which tests start
// resolve to JSR as well.
import process from "node:process";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { command, root } from "../tools/runtimes.ts";

const HELP = `Usage: deno task test:jsr [test file ...]

Runs the tests on Deno with @std/bytes and @std/assert from JSR, not from offline/.
Exits with 1 if a test failed, or if JSR cannot be reached.

  --help  this text`;

/** What the copy does not need; `offline` is left out so that nothing can resolve to it. */
const LEFT_OUT = ["node_modules", ".git", "offline", "npm", "artefacts"];

/** Tests that need a bundler, which cannot resolve JSR packages, and those that need Rust. */
const NOT_RUN = ["interop", "browser", "edge", "examples/browser_test.ts"].map((name) =>
  `tests/${name}`
);

function deno(folder: string, args: string[], stdio: "inherit" | "pipe"): [number, string] {
  const { status, stderr, error } = spawnSync(command("deno"), args, {
    cwd: folder,
    stdio: ["ignore", stdio, stdio],
    encoding: "utf8",
  });
  if (error) throw error;
  return [status ?? 1, stderr ?? ""];
}

function copy(folder: string): Record<string, string> {
  cpSync(root, folder, {
    recursive: true,
    filter: (from) => !LEFT_OUT.includes(relative(root, from).split(sep)[0]!),
  });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  const file = join(folder, "deno.json");
  const { workspace: _, ...config } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify(config));
  return config.imports;
}

function testFromJsr(parts: string[]): number {
  const folder = mkdtempSync(join(tmpdir(), "protosocket-jsr-"));
  try {
    const imports = copy(folder);
    const wanted = Object.values(imports).filter((from) => from.startsWith("jsr:"));
    const [cached, why] = deno(folder, ["cache", "--quiet", ...wanted], "pipe");
    if (cached !== 0) {
      console.error(`JSR cannot be reached, so no test was run. Deno says:\n${why.trim()}`);
      return 1;
    }
    console.log(`from JSR: ${wanted.join(", ")}; not run: ${NOT_RUN.join(", ")}`);
    const files = parts.length > 0 ? parts : ["tests/"];
    return deno(
      folder,
      ["test", "-A", "--quiet", `--ignore=${NOT_RUN}`, ...files],
      "inherit",
    )[0];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", default: false } },
});
if (values.help) console.log(HELP);
else process.exitCode = testFromJsr(positionals);
