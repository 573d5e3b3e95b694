// An echo server and its load client, in two processes over TCP.
import process from "node:process";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { command, parseRuntime, root, runArgs } from "../tools/runtimes.ts";

const HELP = `Usage: npm run demo -- [options]

Starts an echo RPC server, and a client that keeps 256 calls in flight over 4 TCP
connections. Prints RPCs per second and latencies, each second and for the whole run.

  --runtime NAME   deno, bun or node (default node)
  --seconds N      how long to run (default 5)
  --rate N         N calls a second on a fixed schedule, instead of as many as possible
  --help           this text`;

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "node" },
    seconds: { type: "string", default: "5" },
    rate: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function demo(): Promise<number> {
  const runtime = parseRuntime(values.runtime);
  const start = (file: string, args: string[]) =>
    spawn(command(runtime), runArgs(runtime, file, args), {
      cwd: root,
      stdio: ["ignore", file.endsWith("server.ts") ? "pipe" : "inherit", "inherit"],
    });
  const server = start("examples/proto/server.ts", ["127.0.0.1:0"]);
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let said = "";
      server.stdout!.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const match = /listening (\S+)\n/.exec(said);
        if (match) resolve(match[1]!);
      });
      server.on("close", () => reject(new Error("The server ended before it listened")));
    });
    console.log(`echo rpcs on ${runtime} over TCP at ${address}`);
    const args = [address, "--seconds", values.seconds];
    const client = start(
      "examples/proto/client.ts",
      values.rate ? [...args, "--rate", values.rate] : args,
    );
    return await new Promise((resolve) => client.on("close", (code) => resolve(code ?? 1)));
  } finally {
    server.kill();
  }
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    process.exitCode = await demo();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
