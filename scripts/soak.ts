// Everything at once for a while, and whether the heap grew over it.
import process from "node:process";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { plot } from "../bench/soak/plot.ts";
import type { Sample } from "../bench/soak/sample.ts";
import { verdict } from "../bench/soak/verdict.ts";
import { command, parseRuntime, root, type Runtime } from "./support/runtimes.ts";

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

/** A process of the soak test, and what it has reported. */
class Part {
  readonly samples: Sample[] = [];
  readonly ended: Promise<number>;
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  #onLine: () => void = () => {};

  constructor(runtime: Runtime, file: string, args: string[], onSample: (s: Sample) => void) {
    this.child = spawn(command(runtime), [...FLAGS[runtime], `bench/soak/${file}`, ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rest = "";
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("sample ")) {
          const sample: Sample = JSON.parse(line.slice(7));
          this.samples.push(sample);
          onSample(sample);
        } else this.#lines.push(line);
      }
      this.#onLine();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject).on("close", (code) => (resolve(code ?? 1), this.#onLine()));
    });
  }

  /** The first line that begins so, without its beginning. */
  async line(start: string): Promise<string> {
    for (let over = false;; this.ended.then(() => over = true)) {
      const found = this.#lines.find((line) => line.startsWith(start));
      if (found) return found.slice(start.length);
      if (over) throw new Error(`No line ${start}: ${this.#lines.slice(0, 10).join("\n")}`);
      await Promise.race([new Promise<void>((resolve) => this.#onLine = resolve), this.ended]);
    }
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const calls = ({ counts }: Sample) =>
  Object.entries(counts).reduce((sum, [name, n]) => name === "connections" ? sum : sum + n, 0);

/** How many calls a second there were between each sample and the one before. */
function rates(samples: readonly Sample[]): [number, number][] {
  return samples.map((sample, i) => {
    const before = samples[i - 1];
    const [n, t] = before ? [calls(before), before.at] : [0, 0];
    return [sample.at, (calls(sample) - n) / (sample.at - t)];
  });
}

async function soak(): Promise<boolean> {
  const runtime = parseRuntime(values.runtime);
  const warmUp = Number(values["warm-up"]);
  const seconds = warmUp + Number(values.seconds);
  const every = String(Math.max(1, seconds / 120));
  const server = new Part(runtime, "server.ts", [every], () => {});
  try {
    const addresses = (await server.line("listening ")).split(" ");
    const args = [...addresses, values.connections, String(seconds), every];
    const client: Part = new Part(runtime, "client.ts", args, ({ at, heap }) => {
      const rate = Math.round(rates(client.samples).at(-1)![1]);
      const theirs = mib(server.samples.at(-1)?.heap ?? 0);
      console.log(
        `${at.toFixed(0)} s: ${rate} calls/s, heaps: client ${mib(heap)}, server ${theirs} MiB`,
      );
    });
    const code = await client.ended;
    for (const line of client.lines.slice(0, 20)) console.log(line);
    const heaps = {
      client: verdict(client.samples, warmUp),
      server: verdict(server.samples, warmUp),
    };
    for (const [name, { slope, growth, allowed, growing }] of Object.entries(heaps)) {
      console.log(
        `${name}: heap slope ${mib(slope)} MiB a minute, ${mib(growth)} MiB in all ` +
          `(${mib(allowed)} allowed): ${growing ? "GROWING" : "not growing"}`,
      );
    }
    save(runtime, client.samples, server.samples, heaps);
    return code === 0 && !heaps.client.growing && !heaps.server.growing;
  } finally {
    server.child.kill("SIGKILL");
  }
}

function save(
  runtime: Runtime,
  client: readonly Sample[],
  server: readonly Sample[],
  heaps: unknown,
): void {
  const folder = resolve(values.out);
  const name = join(folder, `soak-${runtime}`);
  mkdirSync(folder, { recursive: true });
  const about = { command: `npm run soak -- --runtime ${runtime} --seconds ${values.seconds}` };
  writeFileSync(`${name}.json`, JSON.stringify({ ...about, heaps, client, server }) + "\n");
  const heap = (samples: readonly Sample[]): [number, number][] =>
    samples.map(({ at, heap }) => [at, heap / 2 ** 20]);
  const title = `${values.connections} connections on ${runtime}: ${about.command}`;
  const panels = [
    { title: "calls a second", lines: [{ name: "", color: "#36c", points: rates(client) }] },
    {
      title: "heap after a collection, MiB",
      lines: [
        { name: "client", color: "#36c", points: heap(client) },
        { name: "server", color: "#c33", points: heap(server) },
      ],
    },
  ];
  writeFileSync(`${name}.svg`, plot(title, "s", panels));
  console.log(`written: ${name}.json and .svg`);
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
