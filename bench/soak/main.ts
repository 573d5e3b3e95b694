// Everything at once for a while, and whether the heap grew over it.
import process from "node:process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Program } from "../../tools/program.ts";
import { command, parseRuntime, type Runtime } from "../../tools/runtimes.ts";
import { draw } from "../run/draw.ts";
import { written } from "../run/store.ts";
import { plot, rates, type Report, reportOf } from "./report.ts";
import type { Sample } from "./sample.ts";
import { verdict } from "./verdict.ts";

const HELP = `Usage: npm run soak -- [options]

Runs a server and a client in two processes over TCP: unary calls, streams, large messages,
cancellations and timeouts, with protobuf and MessagePack, on connections that drain, close
or break and are replaced. Prints the throughput, the heaps after a garbage collection, and
the slope of each heap over the second half of the run. Writes a plot and the samples to
soak-RUNTIME.svg and .json. Exits with 1 if a heap grew, a response was wrong, or a call
failed that should not have.

  --seconds N      how long to run, after the warm-up (default 60)
  --warm-up N      seconds before that, during which heaps may grow (default 30)
  --connections N  how many at a time (default 256)
  --runtime NAME   deno, bun or node (default node)
  --out FOLDER     where to write the plot and the samples (default artefacts; published
                   results are in bench/results)
  --help           this text`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    "warm-up": { type: "string", default: "30" },
    connections: { type: "string", default: "256" },
    runtime: { type: "string", default: "node" },
    out: { type: "string", default: "artefacts" },
    help: { type: "boolean", default: false },
  },
});

const FLAGS: Record<Runtime, string[]> = {
  deno: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: ["run"],
  node: ["--expose-gc", "--import", "tsx"],
};

/** A process of the soak, and what it has reported. */
class Part extends Program {
  readonly samples: Sample[] = [];

  constructor(runtime: Runtime, file: string, args: readonly string[]) {
    const words = [command(runtime), ...FLAGS[runtime], `bench/soak/${file}`, ...args];
    super(words, { passErrors: true, patience: Infinity });
  }

  /** The next line that is no sample; samples are kept, and told to `onSample`. */
  async news(onSample: (sample: Sample) => void = () => {}): Promise<string | undefined> {
    for (;;) {
      const line = await this.line();
      if (!line?.startsWith("sample ")) return line;
      const sample: Sample = JSON.parse(line.slice("sample ".length));
      this.samples.push(sample);
      onSample(sample);
    }
  }
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

async function soak(): Promise<boolean> {
  const runtime = parseRuntime(values.runtime);
  const warmUp = Number(values["warm-up"]);
  const seconds = warmUp + Number(values.seconds);
  const every = String(Math.max(1, seconds / 120));
  await using server = new Part(runtime, "server.ts", [every]);
  const [, addresses] = /^listening (.*)/.exec(await server.news() ?? "") ?? [];
  if (!addresses) throw new Error(`The server does not listen: ${server.said}`);
  const serverEnds = drain(server);
  const args = [...addresses.split(" "), values.connections, String(seconds), every];
  await using client = new Part(runtime, "client.ts", args);
  let told = 0;
  const tell = ({ at, heap }: Sample) => {
    const theirs = mib(server.samples.at(-1)?.heap ?? 0);
    console.log(
      `${at.toFixed(0)} s: ${rates(client.samples).at(-1)} calls/s, ` +
        `heaps: client ${mib(heap)}, server ${theirs} MiB`,
    );
  };
  for (let line = await client.news(tell); line !== undefined; line = await client.news(tell)) {
    if (told++ < 20) console.log(line);
  }
  const code = await client.ended;
  server.kill("SIGKILL");
  await serverEnds;
  const verdicts = {
    client: verdict(client.samples, warmUp),
    server: verdict(server.samples, warmUp),
  };
  for (const [name, { slope, growth, allowed, growing }] of Object.entries(verdicts)) {
    console.log(
      `${name}: heap slope ${mib(slope)} MiB a minute, ${mib(growth)} MiB in all ` +
        `(${mib(allowed)} allowed): ${growing ? "GROWING" : "not growing"}`,
    );
  }
  const title = `${values.connections} connections on ${runtime}: ` +
    `npm run soak -- --runtime ${runtime} --seconds ${values.seconds}`;
  save(`soak-${runtime}`, reportOf(title, verdicts, client.samples, server.samples));
  return code === 0 && !verdicts.client.growing && !verdicts.server.growing;
}

/** Takes the samples of one that has nothing else to say, until it ends. */
async function drain(part: Part): Promise<void> {
  while (await part.news() !== undefined);
}

function save(name: string, report: Report): void {
  const file = join(resolve(values.out), name);
  mkdirSync(resolve(values.out), { recursive: true });
  writeFileSync(`${file}.json`, written(report, 2));
  const { svgs: [svg], undrawn } = draw([plot(report)]);
  if (svg) writeFileSync(`${file}.svg`, svg);
  console.log(`written: ${file}.json${svg ? " and .svg" : `; no plot: ${undrawn}`}`);
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    if (!await soak()) process.exitCode = 1;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
