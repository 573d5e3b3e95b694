// Runs test files on a runtime with its own test runner, and counts.
import process from "node:process";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { command, root, type Runtime } from "./runtimes.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The test files below a folder of the repository, without those below `except`. */
export function testFiles(folder: string, except?: string): string[] {
  const names = readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith("_test.ts") && !(except && file.startsWith(`${except}/`)))
    .sort();
}

/** How each runner is called, and how its last lines read. */
const RUNNERS: Record<Runtime, { args: string[]; counts: Record<keyof Counts, RegExp> }> = {
  deno: {
    // Not --quiet: that hides what tests print.
    args: ["test", "-A"],
    counts: { passed: /(\d+) passed/, failed: /(\d+) failed/, skipped: /(\d+) ignored/ },
  },
  bun: {
    args: ["test", "--timeout", "60000"],
    counts: { passed: /^\s*(\d+) pass$/m, failed: /^\s*(\d+) fail$/m, skipped: /^\s*(\d+) skip$/m },
  },
  node: {
    // Without force-exit, Node 20 once in a while spins for ever in its own clean-up, when all
    // tests of a file are done and no JavaScript runs any more.
    args: ["--import", "tsx", "--test", "--test-force-exit", "--test-reporter=tap"],
    counts: { passed: /^# pass (\d+)/m, failed: /^# fail (\d+)/m, skipped: /^# skipped (\d+)/m },
  },
};

/** Runs the files on one runtime; prints its output if anything failed. */
export async function runTests(runtime: Runtime, files: readonly string[]): Promise<Counts> {
  const { args, counts } = RUNNERS[runtime];
  const started = performance.now();
  const { output, code } = await run(command(runtime), [...args, ...files.map((f) => `./${f}`)]);
  // Runners tell the counts last; a test's own output may look like them.
  const end = output.slice(-2000);
  const count = (which: keyof Counts) => Number(lastMatch(end, counts[which]) ?? 0);
  let result = { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  if (result.failed === 0 && (code !== 0 || result.passed + result.skipped === 0)) {
    // It did not come to an end, or it found no test.
    result = { ...result, failed: 1 };
  }
  if (result.failed > 0) console.log(output);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.failed === 0) {
    for (const line of figures(output)) console.log(`${runtime.padEnd(5)} ${line}`);
  }
  console.log(`${runtime.padEnd(5)} ${format(result)} (${files.length} files, ${seconds} s)`);
  return result;
}

/** Runs the files on all given runtimes, one after another, and prints the closing line. */
export async function runOnAll(
  runtimes: readonly Runtime[],
  files: readonly string[],
): Promise<Counts> {
  let sum: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const runtime of runtimes) {
    const { passed, failed, skipped } = await runTests(runtime, files);
    sum = {
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    };
  }
  console.log(format(sum));
  return sum;
}

/** The line that every run of tests here closes with. */
export function format({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What tests have measured: their lines that begin so, which Node's runner puts behind a "#". */
function figures(output: string): string[] {
  return [...output.matchAll(/^(?:# )?(figures: .*)$/gm)].map(([, line]) => line!);
}

function lastMatch(text: string, pattern: RegExp): string | undefined {
  return [...text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].at(-1)?.[1];
}

/** A run that takes longer hangs: it is ended, and has failed. */
const LIMIT_MS = 8 * 60_000;

function run(program: string, args: string[]): Promise<{ output: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    const collect = (data: string) => output += data;
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const timer = setTimeout(() => {
      output += `\nended after ${LIMIT_MS / 1000} s\n`;
      child.kill("SIGKILL");
    }, LIMIT_MS);
    child.on("error", reject);
    child.on("close", (code) => (clearTimeout(timer), resolve({ output, code })));
  });
}
