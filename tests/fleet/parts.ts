// The processes of a fleet: servers on each runtime, and HAProxy.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import process from "node:process";
import { command, root, runArgs, type Runtime } from "../../tools/runtimes.ts";
import { json } from "@protosocket/protosocket/json";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { until, within } from "../support/within.ts";
import { messages, type Request, type Response, SLOWER } from "./messages.ts";

/** Far longer than starting takes on a busy machine. */
const LIMIT = 60_000;

/** A process that is waited for and ended. */
class Running {
  readonly child: ChildProcess;
  said = "";
  readonly ended: Promise<void>;
  over = false;

  constructor(program: string, args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.said += text);
    }
    this.ended = new Promise((resolve) => {
      this.child.on("error", (error) => this.said += error.message);
      this.child.on("close", () => {
        this.over = true;
        resolve();
      });
    });
  }

  async ready(): Promise<void> {
    await within(LIMIT, until(() => this.said.includes("ready") || this.over, () => this.said), "");
    if (this.over) throw new Error(`It has ended: ${this.said}`);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.over) return;
    process.kill(this.child.pid!, signal);
    await within(LIMIT, this.ended, `the end after ${signal}: ${this.said}`);
  }
}

/** A server of the fleet. */
export class FleetServer {
  readonly name: string;
  readonly runtime: Runtime;
  readonly port: number;
  readonly proxied: number;
  readonly #files: readonly string[];
  #running: Running | undefined;

  constructor(
    name: string,
    runtime: Runtime,
    [port, proxied]: readonly [number, number],
    files: readonly string[],
  ) {
    this.name = name;
    this.runtime = runtime;
    this.port = port;
    this.proxied = proxied;
    this.#files = files;
  }

  async start(): Promise<void> {
    const args = [this.name, `${this.port}`, `${this.proxied}`, ...this.#files];
    this.#running = new Running(
      command(this.runtime),
      runArgs(this.runtime, "tests/fleet/server.ts", args),
    );
    await this.#running.ready();
  }

  /** Ends it with a signal. */
  async end(signal: NodeJS.Signals): Promise<void> {
    await this.#running?.end(signal);
  }

  /** It does nothing any more, or goes on. The system still accepts connections for it. */
  hang(hangs: boolean): void {
    process.kill(this.#running!.child.pid!, hangs ? "SIGSTOP" : "SIGCONT");
  }

  /** It takes so many milliseconds longer for each call. */
  async slow(ms: number): Promise<void> {
    const { connect } = await sockets();
    await using client = new RpcClient(await connect({ port: this.port }), {
      codec: json<Response, Request>(),
      messages,
    });
    await client.unary(plain({ number: SLOWER, ms }), { timeout: LIMIT });
  }
}

/** The version of the HAProxy that is there, if one is. */
export function haproxyVersion(): string | undefined {
  const { status, stdout } = spawnSync("haproxy", ["-v"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/** Starts HAProxy with the example's configuration; returns what ends it. */
export async function startHaproxy(
  front: number,
  servers: readonly FleetServer[],
): Promise<() => Promise<void>> {
  const env: Record<string, string> = { FRONT: `127.0.0.1:${front}` };
  for (const [i, { proxied }] of servers.entries()) env[`S${i + 1}`] = `127.0.0.1:${proxied}`;
  const running = new Running("haproxy", ["-db", "-f", "examples/haproxy/haproxy.cfg"], env);
  await until(() => running.over || accepts(front), () => running.said);
  if (running.over) throw new Error(`HAProxy has ended: ${running.said}`);
  return () => running.end("SIGKILL");
}

async function accepts(port: number): Promise<boolean> {
  const { connect } = await sockets();
  try {
    await (await connect({ port })).writable.abort("It was only tried");
    return true;
  } catch {
    return false;
  }
}

/** Ports that nobody listens at. */
export async function freePorts(count: number): Promise<number[]> {
  const listening = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = listening.map((server) => (server.address() as { port: number }).port);
  for (const server of listening) await new Promise((resolve) => server.close(resolve));
  return ports;
}
