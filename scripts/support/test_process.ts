// Runs one test file on one runtime, with the runtime's own test runner.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type TestResult, testsOf } from "./junit.ts";
import { command, root, type Runtime } from "../../tools/runtimes.ts";

export interface FileRun {
  readonly runtime: Runtime;
  readonly file: string;
  readonly tests: readonly TestResult[];
  readonly output: string;
  readonly seconds: number;
}

interface Runner {
  /** The arguments that make it write its report to `report`. */
  args(report: string): readonly string[];
  /** The option that names a module to be loaded before the file. */
  readonly preload: string;
  /** The line after which nothing more comes. */
  readonly last?: RegExp;
}

const RUNNERS: Record<Runtime, Runner> = {
  deno: {
    // Types are checked by themselves. Not --quiet: that hides what tests print.
    args: (report) => ["test", "-A", "--no-check", `--junit-path=${report}`],
    preload: "--preload",
  },
  bun: {
    args: (
      report,
    ) => ["test", "--timeout", "180000", "--reporter=junit", `--reporter-outfile=${report}`],
    preload: "--preload",
  },
  node: {
    args: (report) => [
      ...["--import", "tsx", "--test-reporter=tap", "--test-reporter-destination=stdout"],
      ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
    ],
    preload: "--import",
    // Once in a while Node 20 spins for ever in its own clean-up, when all tests of a file
    // are done, and its --test-force-exit loses the results of tests under load.
    last: /^# duration_ms /m,
  },
};

/** A run without output for this long hangs: it is killed, and has failed. */
const SILENCE_MS = 5 * 60_000;
/** How long a run may take to exit after its last line. */
const EXIT_MS = 3_000;
/** What stands for the tests of a file that did not come to its end. */
const CUT: TestResult = { name: "did not run to its end", outcome: "failed" };

let reports = 0;

/**
 * Runs a file, after a module if `preload` names one; its report is made in `folder`. A run that
 * does not end counts as failed.
 */
export async function runFile(
  runtime: Runtime,
  file: string,
  folder: string,
  preload?: string,
): Promise<FileRun> {
  const begun = performance.now();
  const report = join(folder, `${reports++}.xml`);
  const { args, last, ...runner } = RUNNERS[runtime];
  const before = preload ? [runner.preload, `./${preload}`] : [];
  const all = [...args(report), ...before, `./${file}`];
  const { output, ended } = await run(command(runtime), all, last);
  let tests: TestResult[] = [];
  try {
    if (existsSync(report)) tests = testsOf(readFileSync(report, "utf8"));
  } catch {
    // Cut off in the middle: it has not ended, as seen below.
  }
  rmSync(report, { force: true });
  const whole = tests.length > 0 && (ended || tests.some(({ outcome }) => outcome === "failed"));
  if (!whole) tests.push(CUT);
  return { runtime, file, tests, output, seconds: (performance.now() - begun) / 1000 };
}

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
