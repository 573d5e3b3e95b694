// Tests the Cloudflare adapter and its example in workerd, the runtime of Cloudflare Workers.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { root } from "./support/runtimes.ts";
import { format, runTests, testFiles } from "./support/test_runs.ts";
import { bundleWorker, installWorkerd } from "./support/workerd.ts";

const HELP = `Usage: npm run edge [-- --help]

Installs workerd from npm into node_modules/.cache (some 100 MB, the first time), bundles
the worker of examples/cloudflare and prints its size, builds the Rust echo server if
there is cargo, and runs the tests of tests/edge: the adapter conformance suite inside
workerd, connecting with and without TLS, and the example, whose Durable Object is left
alone until it sleeps (half a minute). Closes with "N passed, N failed, N skipped"; exits
with 1 if anything failed. Where workerd cannot be installed all is skipped.`;

/** What the example's worker may take, gzipped, with the protobuf library: a little above what it is. */
const BUDGET = 35_000;
/** A module or a global of another runtime. Libraries may look whether there is a \`process\`. */
const FOREIGN =
  /["']node:|\bDeno\.|\bBun\.|\bBuffer\.(from|alloc)|(?<!\.)\bprocess\.(?!env\b)|\brequire\(/;

const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });

function buildRust(): void {
  if (spawnSync("cargo", ["--version"]).status !== 0) {
    return console.log("skipped: no cargo, so no Rust server");
  }
  console.log("building tests/interop/rust (minutes, the first time)");
  const manifest = `${root}tests/interop/rust/Cargo.toml`;
  const args = ["build", "--release", "--quiet", "--manifest-path", manifest];
  const { status } = spawnSync("cargo", args, { stdio: "inherit" });
  if (status !== 0) throw new Error("The Rust program does not build");
}

/** Whether the worker is what a worker may be. */
async function checkBundle(): Promise<boolean> {
  const code = await bundleWorker("examples/cloudflare/worker.ts", {}, true);
  const size = gzipSync(code).length;
  const foreign = FOREIGN.exec(new TextDecoder().decode(code))?.[0];
  const ok = !foreign && size <= BUDGET;
  const told = `${code.length} bytes minified, ${size} gzipped of ${BUDGET}`;
  const why = foreign ? `, uses ${foreign}` : "";
  console.log(`${ok ? "ok    " : "FAILED"} worker of examples/cloudflare: ${told}${why}`);
  return ok;
}

if (values.help) {
  console.log(HELP);
} else {
  const files = testFiles("tests/edge");
  console.log("installing workerd");
  const reason = installWorkerd();
  if (reason) {
    console.log(`skipped: ${reason}`);
    console.log(format({ passed: 0, failed: 0, skipped: files.length }));
  } else {
    buildRust();
    const ok = await checkBundle();
    const counts = await runTests("node", files);
    const sum = {
      ...counts,
      passed: counts.passed + (ok ? 1 : 0),
      failed: counts.failed + (ok ? 0 : 1),
    };
    console.log(format(sum));
    if (sum.failed > 0) process.exitCode = 1;
  }
}
