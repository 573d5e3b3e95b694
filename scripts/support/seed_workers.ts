// Several processes of the simulator side by side, each with its part of the seeds.
import process from "node:process";
import { Program } from "../../tools/program.ts";
import { command, runArgs, type Runtime } from "../../tools/runtimes.ts";

/** What has come of some seeds. */
export interface Sum {
  seeds: number;
  calls: number;
  /** Virtual seconds. */
  virtual: number;
  failed: number;
}

/** The line that tells how far a run is; a worker is understood by it, too. */
export function told({ seeds, calls, virtual, failed }: Sum, of: number, first: number): string {
  const seconds = (performance.now() / 1000).toFixed(1);
  return `${seeds} of ${of} seeds from ${first}, ${calls} calls, ` +
    `${Math.round(virtual)} virtual s, ${failed} failed, ${seconds} s`;
}

function understood(line: string): Sum | undefined {
  const match = /^(\d+) of \d+ seeds from \d+, (\d+) calls, (\d+) virtual s, (\d+) failed, /.exec(
    line,
  );
  if (match === null) return undefined;
  const [seeds, calls, virtual, failed] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { seeds, calls, virtual, failed };
}

/** V8 collects garbage on further threads: on one, and with more room, a seed takes 0.85 of the CPU. */
const V8_FLAGS = "--single-threaded-gc,--min-semi-space-size=64,--max-semi-space-size=64";

/** The arguments that run the simulator on a runtime. */
export function simulatorArgs(runtime: Runtime, args: readonly string[]): string[] {
  const words = runArgs(runtime, "scripts/simulate.ts", args);
  return runtime === "deno" ? ["run", `--v8-flags=${V8_FLAGS}`, ...words.slice(1)] : words;
}

export interface WorkersOptions {
  readonly runtime: Runtime;
  readonly workers: number;
  readonly first: number;
  readonly seeds: number;
  /** Further arguments of each. */
  readonly args: readonly string[];
  /** Whether the others go on when one of them has failed. */
  readonly keepGoing: boolean;
  /** Hears what they have come to together, each time that one has told of itself. */
  readonly onSum: (sum: Sum) => void;
}

/** Runs seeds in so many processes, and passes on what they print; returns their sum. */
export async function runWorkers(
  { runtime, workers, first, seeds, args, keepGoing, onSum }: WorkersOptions,
): Promise<Sum> {
  const sums: Sum[] = [];
  const sum = () =>
    sums.reduce((all, each) => ({
      seeds: all.seeds + each.seeds,
      calls: all.calls + each.calls,
      virtual: all.virtual + each.virtual,
      failed: all.failed + each.failed,
    }));
  const programs: Program[] = [];
  let stopping = false;
  const work = async (at: number) => {
    const from = first + Math.floor(at * seeds / workers);
    const count = first + Math.floor((at + 1) * seeds / workers) - from;
    sums[at] = { seeds: 0, calls: 0, virtual: 0, failed: 0 };
    const range = ["--seed", String(from), "--seeds", String(count), "--runtime", runtime];
    const words = simulatorArgs(runtime, [...range, ...args]);
    await using program = new Program([command(runtime), ...words], {
      passErrors: true,
      patience: Infinity,
    });
    programs.push(program);
    for (let line; (line = await program.line()) !== undefined;) {
      const progress = understood(line);
      if (progress === undefined) {
        console.log(line);
        continue;
      }
      sums[at] = progress;
      onSum(sum());
    }
    const ended = await program.ended;
    if (stopping || sums[at].seeds === count && ended === 0) return;
    if (sums[at].failed === 0) {
      sums[at].failed++;
      console.log(`The worker of ${count} seeds from ${from} ended with ${ended}`);
    }
    process.exitCode = 1;
    if (keepGoing) return;
    stopping = true;
    for (const each of programs) each.kill("SIGKILL");
  };
  await Promise.all(Array.from({ length: workers }, (_, at) => work(at)));
  return sum();
}
