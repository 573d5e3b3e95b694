// Servers on all runtimes, HAProxy in front of them, and two pools, while things go wrong.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { draw } from "../bench/run/draw.ts";
import { haproxyVersion } from "../tests/fleet/parts.ts";
import { play } from "../tests/fleet/play.ts";
import { plot } from "../tests/fleet/plot.ts";
import { root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run fleet -- [options]

Three servers, one on each runtime, that a pool calls directly and another through HAProxy
(TCP, TLS passed through, PROXY protocol 2, health checks), a hundred times a second each.
They are restarted one by one, one is killed, hangs, and is slow, and one comes new. Prints
what the calls met, and exits with 1 if one failed that need not have. A minute. Needs
haproxy (Debian, Ubuntu: apt-get install haproxy), and does nothing where there is none.

  --pause MS  how long each thing lasts at least (default 5000)
  --write     draws docs/fleet.svg
  --help      this text`;

const { values } = parseArgs({
  options: {
    pause: { type: "string", default: "5000" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function run(): Promise<void> {
  const pause = Number(values.pause);
  if (!Number.isSafeInteger(pause) || pause < 1) {
    throw new Error(`--pause must be a whole number from 1, not ${values.pause}`);
  }
  const version = haproxyVersion();
  if (version === undefined) return console.log("skipped: there is no haproxy");
  console.log(version);
  const { events, steps, totals } = await play(pause, (line) => console.log(line));
  console.table(totals);
  const servers = (pool: string) => {
    const counts: Record<string, number> = {};
    for (const step of steps) {
      if (step.pool === pool) counts[step.what] = (counts[step.what] ?? 0) + step.count;
    }
    return counts;
  };
  for (const pool of new Set(steps.map(({ pool }) => pool))) console.log(pool, servers(pool));
  if (values.write) {
    const { svgs: [svg], undrawn } = draw([plot(steps, events)]);
    if (svg === undefined) throw new Error(`The plot could not be drawn: ${undrawn}`);
    writeFileSync(`${root}docs/fleet.svg`, `${svg}\n`);
  }
  const wrong = events.flatMap(({ name, wrong }) => wrong.map((what) => `${name}: ${what}`));
  for (const what of wrong) console.log(`FAILED ${what}`);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log("ok: nothing failed that need not have");
}

if (values.help) console.log(HELP);
else {
  await run().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
