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

export interface TestRun extends Counts {
  /** A line for each test that failed, once or twice. */
  readonly notes: readonly string[];
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
  /** How it names a test that failed. */
  readonly failure: RegExp;
  /** The line after which nothing more comes. */
  readonly last?: RegExp;
}

const RUNNERS: Record<Runtime, Runner> = {
  deno: {
    // Types are checked by themselves. Not --quiet: that hides what tests print.
    args: ["test", "-A", "--no-check"],
    counts: { passed: /(\d+) passed/, failed: /(\d+) failed/, skipped: /(\d+) ignored/ },
    failure: /^(.*) \.\.\. FAILED/gm,
  },
  bun: {
    args: ["test", "--timeout", "180000"],
    counts: { passed: /^\s*(\d+) pass$/m, failed: /^\s*(\d+) fail$/m, skipped: /^\s*(\d+) skip$/m },
    failure: /^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/gm,
  },
  node: {
    args: ["--import", "tsx", "--test-reporter=tap"],
    counts: { passed: /^# pass (\d+)/m, failed: /^# fail (\d+)/m, skipped: /^# skipped (\d+)/m },
    failure: /^not ok \d+ - (.*)$/gm,
    // Once in a while Node 20 spins for ever in its own clean-up, when all tests of a file
    // are done, and its --test-force-exit loses the results of tests under load.
    last: /^# duration_ms /m,
  },
};

interface FileResult {
  readonly counts: Counts;
  readonly output: string;
  /** The names of the tests that failed. */
  readonly failures: readonly string[];
}

/**
 * Runs the files on one runtime, each in a process of its own; prints the output of those
 * that failed, and what tests have measured. A file that failed is run once more, since
 * timeouts are easily exceeded on a busy machine: if it then passes, it counts as passed and
 * is reported as flaky.
 */
export async function runTests(runtime: Runtime, files: readonly string[]): Promise<TestRun> {
  const started = performance.now();
  const notes: string[] = [];
  const times: [seconds: number, file: string][] = [];
  let sum = NONE;
  for (const file of files) {
    const begun = performance.now();
    const first = await runFile(runtime, file);
    const result = first.counts.failed > 0 ? await runFile(runtime, file) : first;
    const [how, { failures }] = result.counts.failed > 0 ? ["FAILED", result] : ["FLAKY ", first];
    for (const name of failures) notes.push(`${how} ${runtime.padEnd(5)} ${file}: ${name}`);
    for (const line of figures(result.output)) console.log(`${runtime.padEnd(5)} ${line}`);
    sum = add(sum, result.counts);
    times.push([secondsSince(begun), file]);
  }
  const slowest = times.filter(([seconds]) => seconds > 10).sort(([a], [b]) => b - a);
  for (const [seconds, file] of slowest) {
    console.log(`${runtime.padEnd(5)} ${seconds.toFixed(0)} s for ${file}`);
  }
  const seconds = secondsSince(started).toFixed(1);
  console.log(`${runtime.padEnd(5)} ${format(sum)} (${files.length} files, ${seconds} s)`);
  return { ...sum, notes };
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;

/** Runs a file, and prints its output if it failed. */
async function runFile(runtime: Runtime, file: string): Promise<FileResult> {
  const { args, counts: patterns, failure, last } = RUNNERS[runtime];
  const { output, ended } = await run(command(runtime), [...args, `./${file}`], last);
  const counts = countsOf(output, ended, patterns);
  const names = [...output.matchAll(failure)].map(([, name]) => name!);
  const failures = counts.failed > 0 && names.length === 0 ? ["did not run to its end"] : names;
  if (counts.failed > 0) console.log(output);
  return { counts, output, failures };
}

function countsOf(output: string, ended: boolean, patterns: Runner["counts"]): Counts {
  // Runners tell the counts last; a test's own output may look like them.
  const end = output.slice(-2000);
  const count = (which: keyof Counts) => Number(lastMatch(end, patterns[which]) ?? 0);
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

/** Runs the files on all given runtimes, one after another. */
export async function runOnAll(
  runtimes: readonly Runtime[],
  files: readonly string[],
): Promise<TestRun> {
  let sum = NONE;
  const notes: string[] = [];
  for (const runtime of runtimes) {
    const run = await runTests(runtime, files);
    sum = add(sum, run);
    notes.push(...run.notes);
  }
  return { ...sum, notes };
}

/**
 * Prints which tests have failed and the line that every run of tests here closes with, and
 * sets the exit code. `checks` are further ones, and whether each passed.
 */
export function close(run: Counts & Partial<TestRun>, ...checks: readonly boolean[]): void {
  for (const note of run.notes ?? []) console.log(note);
  const passed = checks.filter((ok) => ok).length;
  const sum = add(run, { passed, failed: checks.length - passed, skipped: 0 });
  console.log(format(sum));
  if (sum.failed > 0) process.exitCode = 1;
}

function format({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What tests have measured: their lines that begin so, which Node's runner puts behind a "#". */
function figures(output: string): string[] {
  return [...output.matchAll(/^(?:# )?(figures: .*)$/gm)].map(([, line]) => line!);
}

function lastMatch(text: string, pattern: RegExp): string | undefined {
  return [...text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].at(-1)?.[1];
}

/** A run without output for this long hangs: it is killed, and has failed. */
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
