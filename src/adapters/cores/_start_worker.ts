import cluster, { type Worker as ClusterWorker } from "node:cluster";
import process from "node:process";
import { isMainThread, Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { TransportError } from "../../errors.ts";
import { type FromWorker, type ToWorker, workerModule } from "./_worker.ts";

/** A worker: a process or a thread. */
export interface WorkerHandle {
  /** Sends it a message; does nothing once it is gone. */
  tell(message: ToWorker): void;
  /** Ends it: it has nothing more to do. */
  end(): void;
  /** Kills it, whatever it is doing. */
  kill(): void;
}

/** Listens to a worker. */
export interface WorkerEvents {
  onMessage(message: FromWorker): void;
  /** It is gone; with the reason, if known. May be called again. */
  onGone(cause?: Error): void;
}

/**
 * How workers share a port. `processes`: node:cluster has one socket for all and hands out
 * connections in turn. `threads`: each has a socket with `reusePort`.
 */
export type WorkerKind = "processes" | "threads";

/**
 * Processes on Node, where they work in every version and on every system; threads on Deno
 * and Bun, which have no such cluster, but port reuse. Throws a TransportError where neither
 * is available.
 */
export function workerKind(cores: number): WorkerKind {
  if (process.versions.deno === undefined && process.versions.bun === undefined) {
    if (cluster.isPrimary && isMainThread) return "processes";
    throw unsupported("on Node only the main thread of the first process can start workers");
  }
  // Elsewhere, if a port can be reused at all, connections are not distributed.
  if (cores === 1 || process.platform === "linux") return "threads";
  throw unsupported(
    `on ${process.platform} the system does not spread the connections of a port over several ` +
      "listeners; ask for one core, or use Node",
  );
}

function unsupported(why: string): TransportError {
  return new TransportError("unsupported", `Cannot serve on each core: ${why}`);
}

/** What every worker runs: a file name would not survive all build tools, a URL does. */
const PROGRAM = `import(${JSON.stringify(workerModule)}).then((worker) => worker.runWorker());`;

/** Starts a worker; `module` is what it will be told to import. */
export function startWorker(kind: WorkerKind, module: URL, events: WorkerEvents): WorkerHandle {
  return kind === "threads" ? startThread(events) : startProcess(module, events);
}

function startThread({ onMessage, onGone }: WorkerEvents): WorkerHandle {
  const worker = new Worker(PROGRAM, { eval: true });
  worker
    .on("message", onMessage)
    .on("error", (error) => onGone(error as Error))
    .on("exit", (code) => onGone(new Error(`its thread ended with the code ${code}`)));
  const kill = () => void worker.terminate();
  return { tell: (message) => worker.postMessage(message), end: kill, kill };
}

function startProcess(module: URL, { onMessage, onGone }: WorkerEvents): WorkerHandle {
  cluster.setupPrimary({
    // It is not run from here; it only names the process in a list of processes.
    exec: module.protocol === "file:" ? fileURLToPath(module) : module.href,
    // With this process's flags, so that a TypeScript loader is present too.
    execArgv: [...process.execArgv, "--eval", PROGRAM],
    serialization: "advanced",
  });
  const worker: ClusterWorker = cluster.fork();
  worker
    .on("message", onMessage)
    // It could not be started, or could not be sent a message.
    .on("error", onGone)
    .on(
      "exit",
      (code, signal) =>
        onGone(new Error(`its process ended ${signal ? `by ${signal}` : `with the code ${code}`}`)),
    );
  return {
    tell(message) {
      if (worker.isConnected()) worker.send(message);
    },
    end() {
      // Its cluster module takes this for the end of this process, and exits.
      if (worker.isConnected()) worker.process.disconnect();
    },
    kill: () => void worker.process.kill("SIGKILL"),
  };
}
