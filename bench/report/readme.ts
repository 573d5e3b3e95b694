// The README's tables, made of the results that are kept: no figure there is typed.
import { readFileSync, writeFileSync } from "node:fs";
import { root } from "../../tools/runtimes.ts";
import type { Cell } from "../run/measure.ts";
import { type Engine, ENGINES } from "../run/rows.ts";
import type { Run } from "../run/store.ts";

const BEGIN = "<!-- bench/results, by: npm run bench -- --readme -->\n";
const END = "<!-- end of bench/results -->\n";
const README = `${root}README.md`;
const LINE = 100;

interface Column {
  readonly head: string;
  readonly suite: string;
  /** How the label of the step begins. */
  readonly step: string;
  readonly of: (cell: Cell) => number | undefined;
}

/** A line of a table: the first of these rows that has a figure. */
interface Line {
  readonly name: string;
  readonly rows: readonly string[];
}

const NAMES: Readonly<Record<Engine, string>> = {
  bun: "Bun",
  deno: "Deno",
  node24: "Node 24",
  node26: "Node 26",
};

const LINES: readonly Line[] = [
  ...ENGINES.map((engine) => ({ name: `protosocket, ${NAMES[engine]}`, rows: [engine] })),
  ...ENGINES.map((engine) => ({
    name: `typed services, ${NAMES[engine]}`,
    rows: [`${engine}-services`],
  })),
  { name: "the Rust crates", rows: ["rust", "rust-16k"] },
  { name: "tonic", rows: ["tonic"] },
  { name: "grpc-js", rows: ["grpc-js"] },
  { name: "connect", rows: ["connect"] },
  { name: "`ws` with JSON", rows: ["ws-json"] },
  ...ENGINES.map((engine) => ({ name: `by hand, ${NAMES[engine]}`, rows: [`${engine}-floor`] })),
];

const LOADS = [
  { head: "256 in flight over 4", suite: "unary", step: "" },
  ...[64, 1024, 10_000].map((count) => {
    const head = `1 on each of ${count.toLocaleString("en-US")}`;
    return { head, suite: "crowd", step: `${count.toLocaleString("en-US")} ` };
  }),
];

const RATES = LOADS.map((load) => ({ ...load, of: ({ rate }: Cell) => rate?.best }));
const CPU = LOADS.map((load) => ({ ...load, of: ({ cpu }: Cell) => cpu?.best }));
const LATENCIES: readonly Column[] = [
  {
    head: "one at a time: p50",
    suite: "lone",
    step: "",
    of: ({ latency }) => latency?.best.p50,
  },
  ...["20k/s", "100k/s"].map((step) => ({
    head: `at ${step.replace("k", ",000")}: p99.9`,
    suite: "open",
    step,
    of: ({ latency }: Cell) => latency?.median.p999,
  })),
];

/** What the README has between its two comments, for these runs. */
export function measured(runs: readonly Run[]): string {
  return [
    about(runs),
    "RPCs per second:",
    table(RATES, runs),
    "Microseconds of CPU time for each, of both processes together:",
    table(CPU, runs),
    "Microseconds of a call:",
    table(LATENCIES, runs),
    "",
  ].join("\n\n");
}

/** Writes the README anew; returns whether it has changed. */
export function writeReadme(runs: readonly Run[]): boolean {
  const before = readFileSync(README, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN.trim()} and its end`);
  const after = `${before.slice(0, begin)}${BEGIN}\n${measured(runs)}${before.slice(end)}`;
  if (after !== before) writeFileSync(README, after);
  return after !== before;
}

/** How the runs were made that the tables show. */
function about(runs: readonly Run[]): string {
  const used = runs.filter(({ result }) =>
    [...RATES, ...LATENCIES].some(({ suite }) => suite === result?.name)
  );
  const days = [...new Set(used.map(({ at }) => at.slice(0, 10)))].sort();
  const machines = new Set(
    used.map(({ machine: { cores, processor } }) => `${cores} cores of ${processor}`),
  );
  const rounds = used.map(({ settings }) => settings.rounds);
  const loads = used.map(({ machine }) => machine.loadBefore);
  return wrapped(
    `Measured on ${days.join(" and ")}, on ${[...machines].join(" and ")}, the best of ` +
      `${range(rounds)} rounds; when a suite began, the load was ${range(loads)}.`,
  );
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

function table(columns: readonly Column[], runs: readonly Run[]): string {
  const lines = LINES.map(({ name, rows }) => [name, ...columns.map(figureOf(rows, runs))]);
  const filled = lines.filter((line) => line.slice(1).some((text) => text !== "-"));
  const all = [["", ...columns.map(({ head }) => head)], ...filled];
  const widths = all[0]!.map((_, at) => Math.max(...all.map((line) => line[at]!.length)));
  const row = (line: readonly string[]) =>
    `| ${line.map((text, at) => text.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [row(all[0]!), rule, ...all.slice(1).map(row)].join("\n");
}

function figureOf(rows: readonly string[], runs: readonly Run[]): (column: Column) => string {
  return ({ suite, step, of }) => {
    const cells = runs.flatMap(({ result }) => result?.name === suite ? result.cells : [])
      .filter((cell) => cell.step.startsWith(step));
    const figures = rows.flatMap((row) => cells.filter((cell) => cell.row === row).map(of));
    const figure = figures.find((figure) => figure !== undefined);
    return figure === undefined ? "-" : digits(figure);
  };
}

/** Three digits that count, fewer of small numbers: more would be noise. */
function digits(value: number): string {
  if (value < 100) return value.toPrecision(2);
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

/** As the formatter wraps text. */
function wrapped(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line && line.length + 1 + word.length > LINE) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join("\n");
}
