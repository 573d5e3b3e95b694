// Runs test files on the runtimes side by side, and tells how it went.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { TestResult } from "./junit.ts";
import type { Runtime } from "../../tools/runtimes.ts";
import { hasOwnClock, isAlone, isSlow } from "./test_files.ts";
import { type FileRun, runFile, runGroup, runsGroups } from "./test_process.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestRun extends Counts {
  /** A line for each test that failed, once or twice. */
  readonly notes: readonly string[];
}

/** How often a line says how far it is, where lines cannot be rewritten. */
const PROGRESS_MS = 15_000;
const SLOWEST = 8;

/** How many files a process runs at most: it takes as long as all of them together. */
const GROUP = 12;

/** What one process runs. */
type Job = readonly [runtime: Runtime, ...files: string[]];

/**
 * Runs the files on all given runtimes, three processes side by side for each core, most of them
 * with several files; slow ones, at the end, one at a time. Prints the output of those that
 * failed, what tests have measured, and the names of the slowest files. A file that failed is run
 * once more, alone, since time-outs are easily exceeded on a busy machine: if it then passes, it
 * counts as passed and is reported as flaky. `preload` is a module to be loaded before each file.
 */
export async function runOnAll(
  runtimes: readonly Runtime[],
  files: readonly string[],
  preload?: string,
): Promise<TestRun> {
  const folder = mkdtempSync(join(tmpdir(), "protosocket-tests-"));
  const progress = new Progress(runtimes.length * files.length);
  const runs: FileRun[] = [];
  const work = async (queue: Job[]) => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const [runtime, ...group] = job;
      const done = group.length > 1
        ? await runGroup(runtime, group, folder, preload)
        : [await runFile(runtime, group[0]!, folder, preload)];
      runs.push(...done);
      for (const run of done) progress.onRun(run);
      // The others of a group that broke off.
      const left = group.filter((file) => !done.some((run) => run.file === file));
      queue.unshift(...left.map((file): Job => [runtime, file]));
    }
  };
  // Much of a test's time is spent waiting, for programs to start and sockets to end: with two
  // for each core, an eighth of the cores' time was left unused.
  const workers = 3 * Math.max(1, availableParallelism());
  const quick = jobsOf(runtimes, files.filter((file) => !isSlow(file)), workers);
  const slow = jobsOf(runtimes, files.filter(isSlow), workers);
  await Promise.all(Array.from({ length: workers }, () => work(quick)));
  await work(slow);

  const notes: string[] = [];
  for (const [i, first] of runs.entries()) {
    if (failures(first).length === 0) continue;
    const again = await runFile(first.runtime, first.file, folder, preload);
    const failed = failures(again).length > 0;
    if (failed) progress.say(again.output);
    runs[i] = again;
    const how = failed ? "FAILED" : "FLAKY ";
    for (const name of failures(failed ? again : first)) {
      notes.push(`${how} ${first.runtime.padEnd(5)} ${first.file}: ${name}`);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  progress.end();
  report(runtimes, runs);
  return { ...sum(runs), notes };
}

/** Those that take longest come first. */
function jobsOf(runtimes: readonly Runtime[], files: readonly string[], workers: number): Job[] {
  return runtimes
    .flatMap((runtime) => {
      const alone = (file: string) => !runsGroups(runtime) || isAlone(file);
      const together = files.filter((file) => !alone(file));
      return [
        ...groupsOf(together.filter((file) => !hasOwnClock(file)), workers),
        ...groupsOf(together.filter(hasOwnClock), 1),
        ...files.filter(alone).map((file) => [file]),
      ].map((group): Job => [runtime, ...group]);
    })
    .sort((a, b) => b.length - a.length);
}

/** At least so many groups, if there are files enough. */
function groupsOf(files: readonly string[], least: number): string[][] {
  const count = Math.min(files.length, Math.max(least, Math.ceil(files.length / GROUP)));
  const groups = Array.from({ length: count }, (): string[] => []);
  // One from each folder, rather than a folder: those of one folder take alike long.
  for (const [i, file] of files.entries()) groups[i % count]!.push(file);
  return groups;
}

/** Says how each runtime did, and which files took longest. */
function report(runtimes: readonly Runtime[], runs: readonly FileRun[]): void {
  const slowest = [...runs].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  if (runs.length > SLOWEST) {
    console.log("the slowest files:");
    for (const { runtime, file, seconds } of slowest) {
      console.log(`  ${seconds.toFixed(1).padStart(6)} s ${runtime.padEnd(5)} ${file}`);
    }
  }
  for (const runtime of runtimes) {
    const own = runs.filter((run) => run.runtime === runtime);
    const seconds = own.reduce((all, run) => all + run.seconds, 0).toFixed(1);
    console.log(`${runtime.padEnd(5)} ${format(sum(own))} (${own.length} files, ${seconds} s)`);
  }
}

/** Tells how far a run is: by one line that is rewritten in a terminal, else now and then. */
class Progress {
  readonly #files: number;
  readonly #started = performance.now();
  readonly #live = process.stdout.isTTY === true;
  #done = 0;
  #failed = 0;
  #told = performance.now();

  constructor(files: number) {
    this.#files = files;
  }

  onRun(run: FileRun): void {
    this.#done++;
    const failed = failures(run);
    this.#failed += failed.length;
    if (failed.length > 0) this.say(run.output);
    for (const line of figures(run.output)) this.say(`${run.runtime.padEnd(5)} ${line}`);
    const now = performance.now();
    if (!this.#live && now - this.#told < PROGRESS_MS) return;
    this.#told = now;
    const seconds = ((now - this.#started) / 1000).toFixed(0);
    const line = `${this.#done} of ${this.#files} files, ${this.#failed} failed, ${seconds} s`;
    if (this.#live) process.stdout.write(`\r\x1b[K${line}  ${run.runtime} ${run.file}`);
    else console.log(line);
  }

  say(text: string): void {
    this.end();
    console.log(text);
  }

  end(): void {
    if (this.#live) process.stdout.write("\r\x1b[K");
  }
}

function failures({ tests }: FileRun): string[] {
  return tests.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
}

function sum(runs: readonly FileRun[]): Counts {
  const count = (wanted: TestResult["outcome"]) =>
    runs.reduce((all, { tests }) => all + tests.filter((t) => t.outcome === wanted).length, 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/**
 * Prints which tests have failed and the line that every run of tests here closes with, and
 * sets the exit code. `checks` are further ones, and whether each passed.
 */
export function close(run: Counts & Partial<TestRun>, ...checks: readonly boolean[]): void {
  for (const note of run.notes ?? []) console.log(note);
  const ok = checks.filter((ok) => ok).length;
  const passed = run.passed + ok;
  const failed = run.failed + checks.length - ok;
  console.log(format({ passed, failed, skipped: run.skipped }));
  if (failed > 0) process.exitCode = 1;
}

function format({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What tests have measured: their lines that begin so, which Node's runner puts behind a "#". */
function figures(output: string): string[] {
  return [...output.matchAll(/^(?:# )?(figures: .*)$/gm)].map(([, line]) => line!);
}
