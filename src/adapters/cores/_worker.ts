import process from "node:process";
import { parentPort } from "node:worker_threads";
import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError, type TransportErrorCode } from "../../errors.ts";
import type { CoreListenOptions, CoreServer, ServeCore } from "./_server.ts";

/** Messages to a worker. */
export type ToWorker =
  | {
    readonly kind: "start";
    readonly module: string;
    readonly options: CoreListenOptions;
    readonly data: unknown;
  }
  | { readonly kind: "close"; readonly timeout: number | undefined };

/** Messages from a worker. */
export type FromWorker =
  /** It is listening for messages now. */
  | { readonly kind: "ready" }
  | { readonly kind: "listening"; readonly address: SocketAddress }
  /** It has nothing more to do: its server has ended, or did not start. */
  | { readonly kind: "ended"; readonly error: ErrorParts | undefined };

/** An error in transit between workers: cloning an Error would lose its code. */
export interface ErrorParts {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Where a new worker finds {@linkcode runWorker}. */
export const workerModule: string = import.meta.url;

/** What a worker does from its beginning to its end. */
export function runWorker(): void {
  let server: Promise<CoreServer> | undefined;
  let closing: Promise<unknown> | undefined;

  async function run({ module, options, data }: ToWorker & { kind: "start" }): Promise<void> {
    try {
      server = load(module).then((serveCore) => serveCore(options, data));
      const { address, finished } = await server;
      tell({ kind: "listening", address });
      await finished;
      await closing;
      tell({ kind: "ended", error: undefined });
    } catch (error) {
      tell({ kind: "ended", error: toParts(error) });
    }
  }

  const tell = talkTo((message) => {
    if (message.kind === "start") return void run(message);
    closing = server?.then((server) => server.close({ timeout: message.timeout }));
    // The server could not be closed, or had not started.
    closing?.catch((error) => tell({ kind: "ended", error: toParts(error) }));
  });
  tell({ kind: "ready" });
}

/** Listens to whoever started this worker; returns a function that replies. */
function talkTo(onMessage: (message: ToWorker) => void): (message: FromWorker) => void {
  if (parentPort) {
    const port = parentPort;
    port.on("message", onMessage);
    return (message) => port.postMessage(message);
  }
  process.on("message", onMessage);
  // A terminal or a service manager sends these to every process of the program; what they
  // mean is for the main process to decide.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  return (message) => {
    if (process.connected) process.send!(message, () => {});
  };
}

async function load(module: string): Promise<ServeCore<unknown>> {
  const { serveCore } = await import(module) as { serveCore?: ServeCore<unknown> };
  if (typeof serveCore === "function") return serveCore;
  throw new TypeError(`${module} exports no function serveCore`);
}

function toParts(error: unknown): ErrorParts {
  if (!(error instanceof Error)) {
    return { name: "Error", code: undefined, message: String(error), stack: undefined };
  }
  const { name, message, stack } = error;
  return { name, code: (error as { code?: string }).code, message, stack };
}

/** Rebuilds a worker's error; `action` begins its message. */
export function fromParts(
  action: string,
  { name, code, message, stack }: ErrorParts,
): TransportError {
  const cause = Object.assign(new Error(message), { name, code, stack });
  const ours = name === "TransportError" ? code as TransportErrorCode : "other";
  return new TransportError(ours, `${action}: ${message}`, { cause });
}
