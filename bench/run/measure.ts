// Runs the rows of a suite in turns.
import type { Latency } from "../work.ts";
import { type Measurement, Pair } from "./pair.ts";
import { install } from "./peers.ts";
import { forSuite, type Row, type Variant } from "./rows.ts";
import { lacking } from "./system.ts";
import type { Step, Suite } from "./suites.ts";

export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
}

/** What a row made of a step, over all rounds. */
export interface Cell {
  readonly row: string;
  readonly step: string;
  readonly x?: number;
  readonly bytes: number;
  /** Why there are no figures. */
  readonly skipped?: string;
  /** A second, best and median of the rounds. */
  readonly rate?: { readonly best: number; readonly median: number };
  /** Microseconds of both ends together for each, the least and the median of the rounds. */
  readonly cpu?: { readonly best: number; readonly median: number };
  /** The same, of the server alone. */
  readonly serverCpu?: { readonly best: number; readonly median: number };
  /** Microseconds; each percentile is the median of those of the rounds, and the least. */
  readonly latency?: { readonly best: Latency; readonly median: Latency };
}

export interface SuiteResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly cells: readonly Cell[];
}

/** Seconds of a row's first piece of work, at the least; its round does not count. */
const WARM_UP = 3;

/** How many connections are opened and closed in a second, about. */
const CONNECTIONS = 5000;

/** How long a suite will take, in seconds, about. */
export function estimate(suite: Suite, rows: number, settings: Settings): number {
  const { rounds, seconds } = settingsOf(suite, settings);
  const round = suite.steps.reduce(
    (sum, { times = 1, work }) => sum + seconds * times + 0.05 + work.connections / CONNECTIONS,
    0,
  );
  return rows * (1.5 + WARM_UP + (rounds + 1) * round);
}

function settingsOf(suite: Suite, { rounds, seconds }: Settings): Settings {
  const { share = 1 } = suite;
  return { rounds: Math.min(rounds, suite.rounds ?? rounds), seconds: seconds * share };
}

/** A row at work: its processes, or why there are none. */
interface Running {
  readonly row: Row;
  pair?: Pair;
  skipped?: string;
}

export async function measure(
  suite: Suite,
  rows: readonly Row[],
  settings: Settings,
  progress: (text: string) => void,
): Promise<SuiteResult> {
  const { rounds, seconds } = settingsOf(suite, settings);
  const running: Running[] = [];
  try {
    for (const row of rows) {
      progress(`${suite.name}: starting ${row.name}`);
      running.push(await start(row, suite));
    }
    const taken = new Map<string, Measurement[]>();
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const step of suite.steps) {
        for (const each of turned(running, round)) {
          const { row, pair } = each;
          if (pair === undefined || notFor(step, row)) continue;
          progress(`${suite.name}: round ${round} of ${rounds}, ${step.label}, ${row.name}`);
          try {
            // grpc-js is that slow to be compiled; the others need about a second.
            const cold = round === 0 && step === suite.steps[0];
            const long = seconds * (step.times ?? 1);
            const time = cold ? Math.max(WARM_UP, long) : long;
            const measurement = await pair.run({ ...step.work, seconds: time });
            if (round > 0) push(taken, `${row.name} ${step.label}`, measurement);
          } catch (error) {
            each.skipped = `${step.label}: ${(error as Error).message}`;
            each.pair = undefined;
            pair.stop();
          }
        }
      }
    }
    const cells = running.flatMap(({ row, skipped }) =>
      suite.steps.map((step) => cell(row, step, skipped, taken.get(`${row.name} ${step.label}`)))
    );
    return { name: suite.name, title: suite.title, unit: suite.unit, cells };
  } finally {
    for (const { pair } of running) pair?.stop();
  }
}

/** Starts a row's processes, after what they need is installed. */
export async function start(
  chosen: Row,
  suite: { readonly variant?: Variant; readonly pinned?: boolean },
): Promise<Running> {
  const row = forSuite(chosen, suite);
  for (const peer of row.needs) {
    const skipped = install(peer);
    if (skipped) return { row, skipped };
  }
  try {
    return { row, pair: await Pair.start(row.server, row.client) };
  } catch (error) {
    return { row, skipped: (error as Error).message };
  }
}

/** Why a row cannot do a step, if it cannot. */
function notFor({ not, work }: Step, { name }: Row): string | undefined {
  return not?.[name] ?? lacking(work.connections + (work.idle ?? 0));
}

/** Each round begins with another row. */
function turned<T>(list: readonly T[], by: number): T[] {
  const at = list.length ? by % list.length : 0;
  return [...list.slice(at), ...list.slice(0, at)];
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  list ? list.push(value) : map.set(key, [value]);
}

function cell(
  row: Row,
  step: Step,
  skipped: string | undefined,
  rounds: readonly Measurement[] | undefined,
): Cell {
  const { label, x, work: { bytes } } = step;
  const about = { row: row.name, step: label, x, bytes };
  const reason = notFor(step, row) ?? skipped ?? "it did not run";
  if (!rounds) return { ...about, skipped: reason };
  const rates = rounds.map(({ count, seconds }) => count / seconds);
  const cpus = rounds.map(({ cpu, count }) => (cpu.server + cpu.client) / count);
  const servers = rounds.map(({ cpu, count }) => cpu.server / count);
  const latency = (of: (values: readonly number[]) => number): Latency => {
    const each = (key: keyof Latency) => of(rounds.map(({ latency }) => latency[key]));
    return {
      p50: each("p50"),
      p90: each("p90"),
      p99: each("p99"),
      p999: each("p999"),
      max: each("max"),
    };
  };
  const least = (values: readonly number[]) => Math.min(...values);
  return {
    ...about,
    rate: { best: Math.max(...rates), median: median(rates) },
    cpu: { best: least(cpus), median: median(cpus) },
    serverCpu: { best: least(servers), median: median(servers) },
    latency: { best: latency(least), median: latency(median) },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
