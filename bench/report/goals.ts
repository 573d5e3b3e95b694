// What the library is to reach, and whether it did in this run.
import type { Cell, SuiteResult } from "../run/measure.ts";
import type { MemoryResult } from "../run/memory.ts";
import { type Engine, ENGINES } from "../run/rows.ts";

export interface Verdict {
  readonly goal: string;
  readonly figure: string;
  readonly met: boolean;
}

/** A bound for each runtime. */
type Bounds = Readonly<Record<Engine, number>>;

function bounds(bun: number, deno: number, node: number): Bounds {
  return { bun, deno, node24: node, node26: node };
}

/** The quotient of a figure of ours and that of another row of the same run. */
interface Ratio {
  readonly suite: string;
  /** Labels of steps; default all. */
  readonly steps?: readonly string[];
  readonly what: string;
  readonly of: (cell: Cell) => number | undefined;
  /** What our rows are called besides their runtimes' names. */
  readonly ours?: string;
  /** The first of these that has a figure; `*` is the runtime: `*-floor` is by hand on the same. */
  readonly theirs: readonly string[];
  readonly least: boolean;
  readonly bounds: Bounds;
}

const rate = ({ rate }: Cell) => rate?.best;
const cpu = ({ cpu }: Cell) => cpu?.best;
const serverCpu = ({ serverCpu }: Cell) => serverCpu?.best;
const p50 = ({ latency }: Cell) => latency?.best.p50;
const p999 = ({ latency }: Cell) => latency?.median.p999;

const LARGE_TEXT = ["64 KiB", "512 KiB"];
const NO_WORSE = bounds(1, 1, 1);
const NEAR_BY_HAND = bounds(0.85, 0.85, 0.85);
const RUST_RAW = ["rust-raw", "rust-16k-raw"];
const BY_HAND = ["*-floor"];
const TURN = bounds(1.25, 1.25, 1.25);

/** What is judged by another row of the same run. */
const RATIOS: readonly Ratio[] = [
  least("unary", "rate", rate, ["rust"], bounds(1.8, 1.8, 1.8)),
  least("unary", "rate", rate, BY_HAND, bounds(0.7, 0.6, 0.7)),
  most("lone", "p50", p50, BY_HAND, TURN),
  most("lone-pinned", "p50", p50, BY_HAND, TURN),
  most("crowd", "CPU", cpu, BY_HAND, bounds(1.4, 1.4, 1.4)),
  least("crowd", "rate", rate, ["tonic"], bounds(3, 3, 3)),
  least("crowd", "rate", rate, ["ws-json"], bounds(3, 2, 2)),
  ...["-services", "-services-ts-proto"].flatMap((ours) => servicesGoals(ours)),
  {
    // With steps of 1 MiB, its receive buffers do not fit for 10,000 connections.
    ...most("crowd-server", "server's CPU", serverCpu, RUST_RAW, bounds(1.3, 1.8, 1.8)),
    ours: "-raw",
  },
  most("open", "p99.9", p999, ["rust"], NO_WORSE),
  { ...least("sizes", "bytes/s", rate, BY_HAND, NEAR_BY_HAND), steps: LARGE_TEXT },
  least("sizes-bytes", "bytes/s", rate, BY_HAND, NEAR_BY_HAND),
];

/** What typed services are to reach beside messages that users make themselves, and other systems. */
function servicesGoals(ours: string): Ratio[] {
  return [
    most("unary", "CPU", cpu, ["*"], bounds(1 / 0.85, 1 / 0.85, 1 / 0.85)),
    least("unary", "rate", rate, ["tonic"], bounds(5, 5, 5)),
    least("unary", "rate", rate, ["grpc-js"], bounds(60, 60, 60)),
    least("unary", "rate", rate, ["connect"], bounds(60, 60, 60)),
    least("crowd", "rate", rate, ["tonic"], bounds(2.5, 2.5, 2.5)),
  ].map((ratio) => ({ ...ratio, ours }));
}

/** Items a second of streams on one connection. */
const ITEMS = bounds(1.5e6, 1e6, 1.3e6);
/** KiB of a connection that does nothing. */
const IDLE = bounds(10, 12, 12);
/** How often a server has 16 MiB of bytes in memory. */
const COPIES = bounds(3, 3, 3);
/** MiB that the memory for a slow reader may grow in 2 s. */
const GROWTH = bounds(4, 4, 4);

function least(
  suite: string,
  what: string,
  of: Ratio["of"],
  theirs: readonly string[],
  bounds: Bounds,
): Ratio {
  return { suite, what, of, theirs, bounds, least: true };
}

function most(
  suite: string,
  what: string,
  of: Ratio["of"],
  theirs: readonly string[],
  bounds: Bounds,
): Ratio {
  return { suite, what, of, theirs, bounds, least: false };
}

/** The verdicts that the results allow. */
export function verdicts(
  results: readonly SuiteResult[],
  memory: readonly MemoryResult[],
): Verdict[] {
  const cells = (suite: string): readonly Cell[] =>
    results.filter(({ name }) => name === suite).flatMap(({ cells }) => cells);
  return [
    ...RATIOS.flatMap((ratio) => compared(ratio, cells(ratio.suite))),
    ...ENGINES.flatMap((engine) => {
      const value = cells("stream").filter(({ row }) => row === engine).map(rate)[0];
      if (value === undefined) return [];
      const goal = `stream: ${engine}, millions of items/s`;
      return [verdict(goal, value / 1e6, ITEMS[engine] / 1e6, true)];
    }),
    ...memory.flatMap(held),
    ...growths(results),
  ];
}

function verdict(goal: string, value: number, bound: number, least: boolean): Verdict {
  const met = least ? value >= bound : value <= bound;
  return {
    goal: `${goal} ${least ? "≥" : "≤"} ${+bound.toPrecision(3)}`,
    figure: value.toPrecision(3),
    met,
  };
}

function compared(
  { suite, steps, what, of, ours = "", theirs, least, bounds }: Ratio,
  cells: readonly Cell[],
): Verdict[] {
  const labels = [...new Set(cells.map(({ step }) => step))];
  return labels.filter((label) => steps?.includes(label) ?? true).flatMap((label) =>
    ENGINES.flatMap((engine) => {
      const figure = (row: string) =>
        cells.filter((cell) => cell.row === row && cell.step === label).map(of)[0];
      const a = figure(engine + ours);
      const others = theirs.map((name) => name.replace("*", engine));
      const other = others.find((name) => figure(name) !== undefined);
      if (a === undefined || other === undefined) return [];
      const goal = `${suite}, ${label}: ${what}, ${engine + ours} : ${other}`;
      return [verdict(goal, a / figure(other)!, bounds[engine], least)];
    })
  );
}

/** What memory is held to. */
function held({ name, rows }: MemoryResult): Verdict[] {
  return rows.flatMap(({ row, figures }) => {
    const engine = ENGINES.find((engine) => row === engine || row === `${engine}-unread`);
    if (!figures || !engine) return [];
    switch (name) {
      case "idle":
        return [
          verdict(`${row}: KiB of an idle connection`, figures["KiB each"]!, IDLE[engine], false),
        ];
      case "peak-bytes": {
        const copies = figures["server, messages"]!;
        return [verdict(`${row}: copies of 16 MiB of bytes`, copies, COPIES[engine], false)];
      }
      case "slow": {
        const grown = figures["after 4 s"]! - figures["after 2 s"]!;
        return [verdict(`${row}: MiB more for a slow reader`, grown, GROWTH[engine], false)];
      }
      default:
        return [];
    }
  });
}

/** Nothing may cost more for each, the more there is of it: each doubling is looked at. */
function growths(results: readonly SuiteResult[]): Verdict[] {
  return results.filter(({ name }) => name.startsWith("doublings")).flatMap(({ name, cells }) =>
    ENGINES.flatMap((engine) => {
      const costs = cells.filter(({ row, rate }) => row === engine && rate).map((cell) => {
        const perUnit = 1 / cell.rate!.best;
        return name === "doublings-size" ? perUnit / cell.bytes : perUnit;
      });
      if (costs.length < 4) return [];
      // Quadratic would be twice the cost of each with every doubling: over three of them,
      // eight times. Caches and collectors may take their share of it.
      const worst = Math.max(...costs.slice(3).map((cost, i) => cost / costs[i]!));
      return [verdict(`${name}: ${engine}, cost of each after three doublings`, worst, 3, false)];
    })
  );
}
