// Runs test files on one runtime, with the runtime's own test runner.
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
  /** How one process runs several files, if it costs less. */
  readonly group?: {
    /** What comes before the files. */
    readonly args: readonly string[];
    /** The line with which the output of a file begins. */
    readonly begins: RegExp;
  };
}

const RUNNERS: Record<Runtime, Runner> = {
  deno: {
    // Types are checked by themselves. Not --quiet: that hides what tests print.
    args: (report) => ["test", "-A", "--no-check", `--junit-path=${report}`],
    preload: "--preload",
    // Not in groups: each file has a world of its own there, too, which costs as much as a
    // process. That also shows a file that only passes after others.
  },
  bun: {
    args: (
      report,
    ) => ["test", "--timeout", "180000", "--reporter=junit", `--reporter-outfile=${report}`],
    preload: "--preload",
    group: { args: [], begins: /^(tests\/\S+_test\.ts):$/gm },
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
    group: {
      args: ["./tools/test_group.ts"],
      begins: /^# Subtest: (tests\/\S+_test\.ts)$/gm,
    },
  },
};

/** A run without output for this long hangs: it is killed, and has failed. */
const SILENCE_MS = 5 * 60_000;
/** How long a run may take to exit after its last line. */
const EXIT_MS = 3_000;
/** What stands for the tests of a file that did not come to its end. */
const CUT: TestResult = { name: "did not run to its end", outcome: "failed", seconds: 0 };

let reports = 0;

/** Whether several files may be run by one process. */
export function runsGroups(runtime: Runtime): boolean {
  return RUNNERS[runtime].group !== undefined;
}

/**
 * Runs a file in a process of its own, after a module if `preload` names one; its report is made
 * in `folder`. A run that does not end counts as failed.
 */
export async function runFile(
  runtime: Runtime,
  file: string,
  folder: string,
  preload?: string,
): Promise<FileRun> {
  const begun = performance.now();
  const { tests, output, whole } = await runFiles(runtime, [`./${file}`], folder, preload);
  if (!whole) tests.push(CUT);
  return { runtime, file, tests, output, seconds: (performance.now() - begun) / 1000 };
}

/**
 * Runs files one after the other in one process. If that does not come to its end, only the file
 * in which it stopped has run, and failed; the others are still to be run.
 */
export async function runGroup(
  runtime: Runtime,
  files: readonly string[],
  folder: string,
  preload?: string,
): Promise<FileRun[]> {
  const { args, begins } = RUNNERS[runtime].group!;
  // What Bun is given without "./" is a part of a path.
  const paths = files.map((file) => runtime === "bun" ? `./${file}` : file);
  const run = await runFiles(runtime, [...args, ...paths], folder, preload);
  const outputs = new Map<string | undefined, string>();
  const [before, ...parts] = run.output.split(begins);
  for (let i = 0; i < parts.length; i += 2) outputs.set(parts[i], parts[i + 1]!);
  if (!run.whole) {
    const file = [...outputs.keys()].at(-1) ?? files[0]!;
    const output = outputs.get(file) ?? before!;
    return [{ runtime, file, tests: [CUT], output, seconds: 0 }];
  }
  const tests = new Map<string, TestResult[]>(files.map((file) => [file, []]));
  let current = files[0]!;
  for (const test of run.tests) {
    const of = tests.get(test.file ?? test.name);
    if (of) current = test.file ?? test.name;
    // What only says where a file begins is no test.
    if (!of || test.file) tests.get(current)!.push(test);
  }
  return [...tests].map(([file, tests]) => {
    const seconds = tests.reduce((all, test) => all + test.seconds, 0);
    if (tests.length === 0) tests.push(CUT);
    return { runtime, file, tests, output: outputs.get(file) ?? "", seconds };
  });
}

async function runFiles(
  runtime: Runtime,
  files: readonly string[],
  folder: string,
  preload?: string,
): Promise<{ tests: TestResult[]; output: string; whole: boolean }> {
  const report = join(folder, `${reports++}.xml`);
  const { args, last, ...runner } = RUNNERS[runtime];
  const before = preload ? [runner.preload, `./${preload}`] : [];
  const all = [...args(report), ...before, ...files];
  const { output, ended } = await run(command(runtime), all, last);
  let tests: TestResult[] = [];
  try {
    if (existsSync(report)) tests = testsOf(readFileSync(report, "utf8"));
  } catch {
    // Cut off in the middle: it has not ended, as seen below.
  }
  rmSync(report, { force: true });
  const failed = tests.some(({ outcome }) => outcome === "failed");
  return { tests, output, whole: tests.length > 0 && (ended || failed) };
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
