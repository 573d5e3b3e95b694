// Runs a worker in the real runtime.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorker, findWorkerd } from "../../scripts/support/workerd.ts";
import { runtime } from "../support/runtime.ts";
import { within } from "../support/within.ts";

/** Starting, or a whole case in the worker, takes its time on a busy machine. */
const LIMIT_MS = 120_000;

/** Why a worker cannot be run here, if it cannot. */
export const noWorkerd: string | undefined = runtime !== "node"
  ? "workerd is driven from Node"
  : findWorkerd()
  ? undefined
  : "needs workerd: npm run edge installs it";

/** What a worker is given. */
export interface WorkerOptions {
  /** Files that take the place of modules. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Texts that it is bound to. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Its Durable Objects: the name of the binding, and of the class. */
  readonly objects?: Readonly<Record<string, string>>;
  /** A certificate that vouches for servers, in PEM. */
  readonly trusted?: string;
}

/** A worker that runs. Disposing of it kills it. */
export class RunningWorker implements AsyncDisposable {
  /** Where it answers HTTP requests. */
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  /** Bundles the module and starts it. */
  static async start(entry: string, options: WorkerOptions = {}): Promise<RunningWorker> {
    const folder = mkdtempSync(join(tmpdir(), "protosocket-edge-"));
    writeFileSync(join(folder, "worker.js"), await bundleWorker(entry, options.alias));
    mkdirSync(join(folder, "objects"));
    writeFileSync(join(folder, "config.capnp"), configOf(options));
    const child = spawn(findWorkerd()!, ["serve", "config.capnp", "--control-fd=3"], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    try {
      const port = await within(LIMIT_MS, portOf(child), `workerd with ${entry}`);
      return new RunningWorker(port, child, folder);
    } catch (error) {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Asks it over HTTP. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return within(LIMIT_MS, fetch(`http://127.0.0.1:${this.port}${path}`, init), path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on("exit", resolve));
    // It takes a gentler signal only when all its WebSockets have closed.
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** The port that the system gave it. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdio[3]!.on("data", (data) => {
      said += data;
      const port = /"port":(\d+)/.exec(said)?.[1];
      if (port) resolve(Number(port));
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
}

function configOf({ vars = {}, objects = {}, trusted }: WorkerOptions): string {
  const text = JSON.stringify;
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(objects).map(([name, className]) =>
      `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`
    ),
  ];
  const classes = Object.values(objects).map((className) =>
    `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`
  );
  const tls = trusted ? `, tlsOptions = (trustedCertificates = [${text(trusted)}])` : "";
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "out", network = (allow = ["private", "public"]${tls})),
    (name = "disk", disk = (path = "objects", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  globalOutbound = "out",
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${classes.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}
