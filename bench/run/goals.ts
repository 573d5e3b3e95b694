// What the library is to reach, and whether it did in this run.
import type { Cell, SuiteResult } from "./measure.ts";
import type { MemoryResult } from "./memory.ts";

export interface Verdict {
  readonly goal: string;
  readonly figure: string;
  readonly met: boolean;
}

const RUNTIMES = ["bun", "deno", "node", "node26"];

/** A figure of a row, or of none if it was not measured. */
type Figure = (row: string) => number | undefined;

/** The verdicts that the results allow. */
export function verdicts(
  results: readonly SuiteResult[],
  memory: readonly MemoryResult[],
): Verdict[] {
  const all: Verdict[] = [];
  const judge = (goal: string, value: number, bound: number, least: boolean, unit = "") => {
    const met = least ? value >= bound : value <= bound;
    all.push({ goal, figure: `${value.toPrecision(3)}${unit}`, met });
  };
  const cells = (suite: string, step?: string): Cell[] =>
    results.filter(({ name }) => name === suite).flatMap(({ cells }) => cells)
      .filter((cell) => step === undefined || cell.step === step);
  const figure = (from: readonly Cell[], of: (cell: Cell) => number | undefined): Figure => (row) =>
    from.filter((cell) => cell.row === row).map(of)[0];
  /** Judges the quotient of two rows' figures. */
  const ratio = (
    what: string,
    of: Figure,
    ours: string,
    theirs: string,
    bound: number,
    least: boolean,
  ) => {
    const [a, b] = [of(ours), of(theirs)];
    if (a === undefined || b === undefined) return;
    const sign = least ? "≥" : "≤";
    judge(`${what}: ${ours} ${sign} ${bound} × ${theirs}`, a / b, bound, least, " ×");
  };
  const best = (of: Figure, least: boolean): string | undefined =>
    RUNTIMES.filter((row) => of(row) !== undefined)
      .sort((a, b) => (least ? -1 : 1) * (of(a)! - of(b)!))[0];

  const unary = cells("unary");
  const rate = figure(unary, ({ rate }) => rate?.best);
  const cpu = figure(unary, ({ cpu }) => cpu?.best);
  for (const row of RUNTIMES) {
    ratio("unary rate", rate, row, "rust", 1, true);
    ratio("unary CPU", cpu, row, "rust", 1, false);
    ratio("unary rate", rate, row, `${row}-floor`, 0.9, true);
    ratio("unary rate", rate, row, "tonic", 5, true);
    ratio("unary rate", rate, row, "grpc-js", 40, true);
  }
  const top = best(rate, true);
  if (top) ratio("unary rate, the best runtime", rate, top, "rust", 1.2, true);

  for (const suite of ["lone", "lone-pinned"]) {
    const p50 = figure(cells(suite), ({ rate }) => rate && 1 / rate.best);
    for (const row of RUNTIMES) {
      ratio(`${suite} round trip`, p50, row, `${row}-floor`, 1.15, false);
    }
  }

  for (const step of ["20k/s", "100k/s"]) {
    const p999 = figure(cells("open", step), ({ latency }) => latency?.median.p999);
    for (const row of RUNTIMES) ratio(`p99.9 at ${step}`, p999, row, "rust", 2, false);
    const quickest = best(p999, false);
    if (quickest) ratio(`p99.9 at ${step}, the best runtime`, p999, quickest, "rust", 1, false);
  }

  for (const step of ["1 MiB", "16 MiB"]) {
    const bytes = figure(cells("sizes", step), ({ rate }) => rate?.best);
    for (const row of RUNTIMES) ratio(`bytes/s of ${step}`, bytes, row, `${row}-floor`, 0.8, true);
  }

  const items = figure(cells("stream"), ({ rate }) => rate?.best);
  for (const row of RUNTIMES) {
    const value = items(row);
    if (value !== undefined) judge(`${row}: 1,000,000 items/s`, value / 1e6, 1, true, " M/s");
  }
  for (const { name, rows } of memory) {
    for (const { row, figures } of rows) {
      if (!figures || row.endsWith("-floor")) continue;
      if (name === "idle") {
        judge(`${row}: an idle connection ≤ 20 KiB`, figures["KiB each"]!, 20, false, " KiB");
      } else if (name === "peak") {
        judge(`${row}: 16 MiB in ≤ 3 × its memory`, figures["server, messages"]!, 3, false, " ×");
      } else {
        const grown = figures["after 4 s"]! - figures["after 2 s"]!;
        judge(`${row}: memory flat for a slow reader, ≤ 4 MiB in 2 s`, grown, 4, false, " MiB");
      }
    }
  }
  all.push(...growths(results));
  return all;
}

/** Nothing may cost more for each, the more there is of it: each doubling is looked at. */
function growths(results: readonly SuiteResult[]): Verdict[] {
  return results.filter(({ name }) => name.startsWith("doublings")).flatMap(({ name, cells }) =>
    [...new Set(cells.map(({ row }) => row))].flatMap((row) => {
      const costs = cells.filter((cell) => cell.row === row && cell.rate).map((cell) => {
        const perUnit = 1 / cell.rate!.best;
        return name === "doublings-size" ? perUnit / cell.bytes : perUnit;
      });
      if (costs.length < 4) return [];
      // Quadratic would be twice the cost of each with every doubling: over three of them,
      // eight times. Caches and collectors may take their share of it.
      const worst = Math.max(...costs.slice(3).map((cost, i) => cost / costs[i]!));
      const goal = `${name}: ${row}, cost of each after three doublings ≤ 3 ×`;
      return [{ goal, figure: `${worst.toPrecision(3)} ×`, met: worst <= 3 }];
    })
  );
}
