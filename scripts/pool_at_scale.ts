// A large fleet in virtual time, whose calls are spread by pools, and in ways of others.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { draw, type Spec } from "../bench/run/draw.ts";
import { WAYS } from "../tests/simulator/scale/callers.ts";
import { CROWDED_WAYS, type CrowdedResult, runCrowded } from "../tests/simulator/scale/crowded.ts";
import { spreadKeys } from "../tests/simulator/scale/keys.ts";
import { crowdedTable, keysTable, plot, table } from "../tests/simulator/scale/plot.ts";
import { type PhaseResult, runScale, type SecondResult } from "../tests/simulator/scale/run.ts";
import { root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run pool-at-scale -- [options]

A thousand servers that are models, and two hundred clients, in virtual time: servers hang,
restart, are lost with their zone, come back, and are new. Prints, for each way to spread
calls, the calls that failed, the load of the busiest server compared with the mean, and the
open connections; how many keys move when an endpoint comes or goes; and what becomes of
calls from a zone with too few servers. Minutes.

  --endpoints N  how many servers (default 1000)
  --clients N    how many clients (default 200)
  --rate N       calls of each client in a second (default 20)
  --seed N       (default 1)
  --only TEXT    only the ways with TEXT in their names: ${Object.keys(WAYS).join("; ")}
  --write        writes the tables into docs/fleet.md, and docs/pool-at-scale.svg
  --help         this text`;

const { values } = parseArgs({
  options: {
    endpoints: { type: "string", default: "1000" },
    clients: { type: "string", default: "200" },
    rate: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function natural(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least}, not ${text}`);
}

async function run(): Promise<void> {
  const scale = {
    endpoints: natural("endpoints", values.endpoints, 30),
    clients: natural("clients", values.clients),
    rate: natural("rate", values.rate),
  };
  const seed = natural("seed", values.seed, 0);
  const phases: PhaseResult[] = [];
  const seconds: SecondResult[] = [];
  for (const way of Object.keys(WAYS).filter((way) => way.includes(values.only))) {
    const began = performance.now();
    const result = await runScale(way, scale, seed);
    phases.push(...result.phases);
    seconds.push(...result.seconds);
    console.error(`${way}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  const crowded: Record<string, CrowdedResult[]> = {};
  for (const [way, how] of Object.entries(CROWDED_WAYS)) crowded[way] = await runCrowded(how, seed);
  const tables = [
    "Calls that failed, in percent:",
    table(phases, ({ failed, calls }) => (100 * failed / calls).toFixed(2)),
    "Load of the busiest server, compared with the mean of those that are up:",
    table(phases, ({ imbalance }) => imbalance.toFixed(2)),
    "Open connections:",
    table(phases, ({ connections }) => connections.toLocaleString("en")),
    `100,000 keys on ${scale.endpoints} endpoints:`,
    keysTable(spreadKeys(scale.endpoints, 100_000)),
    "Clients of a zone with too few servers, by how much is asked of it:",
    crowdedTable(crowded),
  ].join("\n\n");
  console.log(tables);
  if (values.write) write(tables, plot(phases, seconds, scale.rate * scale.clients));
}

function write(tables: string, spec: Spec): void {
  const file = `${root}docs/fleet.md`;
  const marks = /(<!-- pool-at-scale -->\n)[^]*?(\n<!-- \/pool-at-scale -->)/;
  const page = readFileSync(file, "utf8");
  if (!marks.test(page)) throw new Error("docs/fleet.md has no place for the tables");
  writeFileSync(file, page.replace(marks, (_, from, to) => `${from}\n${tables}\n${to}`));
  const { svgs: [svg], undrawn } = draw([spec]);
  if (svg === undefined) throw new Error(`The plot could not be drawn: ${undrawn}`);
  writeFileSync(`${root}docs/pool-at-scale.svg`, `${svg}\n`);
}

if (values.help) console.log(HELP);
else {
  await run().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
