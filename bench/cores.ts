// What another core gives: the same load on a server of one core and on one of several.
import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { serveOnEachCore } from "@protosocket/protosocket/cores";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { clientCodec, echoMessages } from "../examples/proto/echo.ts";
import { echo } from "../examples/proto/load.ts";
import { closedLoop } from "../examples/support/load.ts";
import { sockets } from "../examples/support/sockets.ts";

const HELP = `Usage: bench/cores.ts [options]

  npx tsx bench/cores.ts
  bun bench/cores.ts
  deno run -A --unstable-net bench/cores.ts

Prints the unary echoes a second of a server on one core and on several, in turns, and the
ratio of the two: with no work but the echo, and with some. The load comes from one core
of the same machine, so a ratio means something only while that is not the one that is
busy, and while there are cores enough for it besides the server's.

  --cores N        of the larger server (default 2)
  --work N         microseconds that an rpc with work keeps its core busy (default 200)
  --seconds N      of each measurement (default 2)
  --rounds N       measurements of each server (default 3)
  --in-flight N    rpcs in flight (default 256)
  --connections N  connections (default 64)
  --help           this text`;

const { values } = parseArgs({
  options: {
    cores: { type: "string", default: "2" },
    work: { type: "string", default: "200" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    "in-flight": { type: "string", default: "256" },
    connections: { type: "string", default: "64" },
    help: { type: "boolean", default: false },
  },
});

/** Echoes a second of a server that is started for it. `work` is in milliseconds. */
async function measure(cores: number, work: number): Promise<number> {
  const worker = new URL("./cores_worker.ts", import.meta.url);
  await using server = await serveOnEachCore(worker, { port: 0, cores, data: { work } });
  if (server.address.transport !== "tcp") throw new Error("It listens on no port");
  const { port } = server.address;
  const { connect } = await sockets();
  const clients = await Promise.all(
    Array.from(
      { length: Number(values.connections) },
      async () =>
        new RpcClient(await connect({ port }), {
          codec: clientCodec(),
          messages: echoMessages,
        }),
    ),
  );
  let calls = 0;
  const call = async () => {
    const message = String(calls++);
    const answer = await clients[calls % clients.length]!.unary(echo.request(message, calls));
    if (!echo.isEcho(answer, message, calls)) {
      throw new Error(`The answer to ${message} is not its echo`);
    }
  };
  const load = { inFlight: Number(values["in-flight"]), quiet: true };
  await closedLoop(call, { ...load, seconds: 0.5 });
  const rate = await closedLoop(call, { ...load, seconds: Number(values.seconds) });
  await Promise.all(clients.map((client) => client.close()));
  return rate;
}

/** Measures both servers in turns, and prints a row. */
async function compare(name: string, work: number): Promise<void> {
  const several = Number(values.cores);
  const rates: [one: number, several: number][] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    rates.push([await measure(1, work), await measure(several, work)]);
  }
  const one = median(rates.map(([rate]) => rate));
  const more = median(rates.map(([, rate]) => rate));
  // Of each round, since neighbours in time share what else the machine does.
  const ratio = median(rates.map(([one, several]) => several / one));
  console.log(
    `${name.padEnd(16)} 1 core ${format(one)} rpc/s   ${several} cores ${format(more)} rpc/s   ` +
      `ratio ${ratio.toFixed(2)}`,
  );
}

function median(numbers: number[]): number {
  const sorted = numbers.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function format(rate: number): string {
  return Math.round(rate).toLocaleString("en-US").padStart(7);
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    console.log(`${availableParallelism()} cores in this machine, one of them for the load`);
    await compare("echo", 0);
    await compare(`${values.work} µs of work`, Number(values.work) / 1000);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
