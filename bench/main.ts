// The benchmark: the same work on this library, on the Rust crates, on others, and by hand.
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { root } from "../tools/runtimes.ts";
import { machine } from "./run/machine.ts";
import { estimate, measure } from "./run/measure.ts";
import { MEMORY_SUITES, type MemorySuite, probe } from "./run/memory.ts";
import { ROWS } from "./run/rows.ts";
import { type Suite, SUITES } from "./run/suites.ts";
import { goalsOf, heading, page, tableOf, textOf } from "./run/page.ts";
import { writeReadme } from "./run/readme.ts";
import { type Run, store, stored } from "./run/store.ts";

const ALL: readonly (Suite | MemorySuite)[] = [...SUITES, ...MEMORY_SUITES];

/** Where the results are that are kept. */
const PUBLISHED = `${root}bench/results`;

const HELP = `Usage: npm run bench -- [options]

Measures echo RPCs between two processes over TCP on this machine. Client and server of a
row use the same system: this library on Bun, Deno, Node 24 and Node 26; the same by the
streams of the sockets (-streams); the same frames written by hand over a raw socket on each
(-floor); the Rust crates; this library against Rust, or against a client by hand (-raw);
tonic, grpc-js, connect, ws with JSON, capnweb. Rows take turns; the best and
the median of the rounds are reported. What a row needs is installed when it first runs; a
row for which that fails is skipped.

  --suite a,b    ${
  ALL.map(({ name }) => name).join(", ").replace(/(.{60}\S*) /g, "$1\n                 ")
}
  --rows a,b     only these, such as bun,bun-floor,rust
  --step LABEL   only steps whose label begins so, such as "64 connections"; more than once
                 for more of them
  --rounds N     how many times each row is measured (default 5)
  --seconds N    how long each measurement takes (default 1)
  --quick        2 rounds of 0.3 seconds
  --out FOLDER   where to write suite-NAME.json for each suite, in place of that of an older
                 run (default artefacts; published results are in bench/results), and
                 bench.html with plots of what is there
  --page         only draws bench.html again, and prints the tables and the goals
  --readme       only writes the README's tables, of what is in bench/results
  --help         this text`;

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    rows: { type: "string" },
    step: { type: "string", multiple: true },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: "artefacts" },
    page: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** What an option chooses of a list, all if it is not given. */
function chosen<T extends { readonly name: string }>(
  option: string,
  value: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (value === undefined) return all;
  const found = value.split(",").flatMap((name) => {
    const some = all.filter((each) => each.name === name || each.name.startsWith(`${name}-`));
    const exact = some.filter((each) => each.name === name);
    if (some.length === 0) throw new Error(`--${option}: there is no ${name}`);
    return exact.length > 0 && option === "rows" ? exact : some;
  });
  return [...new Set(found)];
}

/** A suite with the steps that were chosen, if there are any. */
function stepsOf(suite: Suite | MemorySuite): (Suite | MemorySuite)[] {
  if ("probe" in suite || values.step === undefined) return [suite];
  const steps = suite.steps.filter(({ label }) =>
    values.step!.some((beginning) => label.startsWith(beginning))
  );
  return steps.length > 0 ? [{ ...suite, steps }] : [];
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function number(value: string | undefined, otherwise: number): number {
  const result = Number(value ?? otherwise);
  if (!(result > 0)) throw new Error(`A number above 0 is needed, not ${value}`);
  return result;
}

/** Draws what is in the folder. */
function draw(folder: string): void {
  const { runs, soaks } = stored(folder);
  const { html, undrawn } = page(runs, soaks);
  if (undrawn) console.log(`no plots: ${undrawn}`);
  writeFileSync(join(folder, "bench.html"), html);
  console.log(`\nwritten: ${join(folder, "bench.html")}`);
}

async function bench(folder: string): Promise<void> {
  const settings = {
    rounds: number(values.rounds, values.quick ? 2 : 5),
    seconds: number(values.seconds, values.quick ? 0.3 : 1),
  };
  const suites = chosen("suite", values.suite, ALL).flatMap(stepsOf);
  const rows = chosen("rows", values.rows, ROWS);
  const rowsOf = (names: readonly string[]) => rows.filter(({ name }) => names.includes(name));
  const seconds = suites.reduce(
    (sum, suite) => {
      const rows = rowsOf(suite.rows).length;
      return sum + ("probe" in suite ? rows * suite.estimate : estimate(suite, rows, settings));
    },
    0,
  );
  const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.replace(/ -- $/, "");
  const about = { command, at: new Date().toISOString(), machine: machine(), settings };
  console.log(heading(about));
  console.log(`about ${Math.ceil(seconds / 60)} minutes`);
  const runs: Run[] = [];
  for (const suite of suites) {
    const its = rowsOf(suite.rows);
    if (its.length === 0) continue;
    const run: Run = "probe" in suite
      ? { ...about, memory: await probe(suite, its, progress) }
      : { ...about, result: await measure(suite, its, settings, progress) };
    progress("");
    runs.push(run);
    // After each suite, so that a run that is stopped has not measured for nothing.
    store(folder, run);
    console.log(tableOf(run));
  }
  const goals = goalsOf(runs);
  if (goals) console.log(goals);
  draw(folder);
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    const folder = resolve(values.out);
    if (values.readme) {
      const changed = writeReadme(stored(PUBLISHED).runs);
      console.log(changed ? "README.md written" : "ok    README.md");
    } else if (values.page) {
      console.log(textOf(stored(folder).runs));
      draw(folder);
    } else {
      await bench(folder);
    }
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
