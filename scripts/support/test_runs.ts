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

interface Runner {
  readonly args: readonly string[];
  /** How its last lines read. */
  readonly counts: Readonly<Record<keyof Counts, RegExp>>;
  /** Whether each file is run by itself. */
  readonly alone?: boolean;
  /** The line after which nothing more comes. */
  readonly last?: RegExp;
}

const RUNNERS: Record<Runtime, Runner> = {
  deno: {
    // Not --quiet: that hides what tests print.
    args: ["test", "-A"],
    counts: { passed: /(\d+) passed/, failed: /(\d+) failed/, skipped: /(\d+) ignored/ },
  },
  bun: {
    args: ["test", "--timeout", "180000"],
    counts: { passed: /^\s*(\d+) pass$/m, failed: /^\s*(\d+) fail$/m, skipped: /^\s*(\d+) skip$/m },
  },
  node: {
    // Once in a while Node 20 spins for ever in its own clean-up, when all tests of a file
    // are done. Its --test-force-exit loses the results of tests under load, so each file is
    // run by itself, and ended after its last line.
    args: ["--import", "tsx", "--test-reporter=tap"],
    counts: { passed: /^# pass (\d+)/m, failed: /^# fail (\d+)/m, skipped: /^# skipped (\d+)/m },
    alone: true,
    last: /^# duration_ms /m,
  },
};

/** Runs the files on one runtime; prints the output of what failed. */
export async function runTests(runtime: Runtime, files: readonly string[]): Promise<Counts> {
  const runner = RUNNERS[runtime];
  const started = performance.now();
  let sum = NONE;
  for (const some of runner.alone ? files.map((file) => [file]) : [files]) {
    const args = [...runner.args, ...some.map((file) => `./${file}`)];
    const { output, ended } = await run(command(runtime), args, runner.last);
    const counts = countsOf(output, ended, runner);
    if (counts.failed > 0) console.log(output);
    else for (const line of figures(output)) console.log(`${runtime.padEnd(5)} ${line}`);
    sum = add(sum, counts);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${runtime.padEnd(5)} ${format(sum)} (${files.length} files, ${seconds} s)`);
  return sum;
}

function countsOf(output: string, ended: boolean, { counts }: Runner): Counts {
  // Runners tell the counts last; a test's own output may look like them.
  const end = output.slice(-2000);
  const count = (which: keyof Counts) => Number(lastMatch(end, counts[which]) ?? 0);
  const result = { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  // It did not come to an end, or it found no test.
  const none = result.passed + result.skipped === 0;
  return result.failed === 0 && (!ended || none) ? { ...result, failed: 1 } : result;
}

const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Runs the files on all given runtimes, one after another, and prints the closing line. */
export async function runOnAll(
  runtimes: readonly Runtime[],
  files: readonly string[],
): Promise<Counts> {
  let sum = NONE;
  for (const runtime of runtimes) sum = add(sum, await runTests(runtime, files));
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

/** A run that says nothing for so long hangs: it is ended, and has failed. */
const SILENCE_MS = 5 * 60_000;
/** How long a run may take to exit after its last line. */
const EXIT_MS = 3_000;

/** Runs a program; `ended` is whether it said, one way or the other, that all went well. */
function run(
  program: string,
  args: readonly string[],
  last?: RegExp,
): Promise<{ output: string; ended: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    let told = false;
    let exits: ReturnType<typeof setTimeout> | undefined;
    const hangs = () => {
      output += `\nended, as it said nothing for ${SILENCE_MS / 1000} s\n`;
      child.kill("SIGKILL");
    };
    let limit = setTimeout(hangs, SILENCE_MS);
    const collect = (data: string) => {
      output += data;
      clearTimeout(limit);
      limit = setTimeout(hangs, SILENCE_MS);
      if (told || !last?.test(output.slice(-data.length - 100))) return;
      told = true;
      exits = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(limit);
      clearTimeout(exits);
      resolve({ output, ended: code === 0 || (code === null && told) });
    });
  });
}
