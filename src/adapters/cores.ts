/**
 * One server on all cores: a worker per core, each with an event loop and a server of its
 * own, all listening on one port.
 *
 * On Node, the workers are processes (`node:cluster`), which are given connections in turn.
 * On Deno and Bun, they are threads, each with a listener that has `reusePort`; the system,
 * which must be Linux, distributes connections over them at random. On Deno, the listener
 * of `./deno` needs `--unstable-net` for this; that of `./node` does not.
 *
 * A connection stays with its worker, so with few connections some cores may be idle.
 *
 * @example The program
 * ```ts ignore
 * import { serveOnEachCore } from "@protosocket/protosocket/cores";
 *
 * const server = await serveOnEachCore(new URL("./echo.ts", import.meta.url), { port: 0 });
 * console.log(server.address);
 * await server.close(); // or, to serve until it is closed elsewhere: await server.finished
 * ```
 *
 * @example echo.ts, which every worker loads
 * ```ts ignore
 * import { serve } from "@protosocket/protosocket";
 * import type { ServeCore } from "@protosocket/protosocket/cores";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 *
 * export const serveCore: ServeCore = async (options) =>
 *   serve(await listen(options), () => ({
 *     codec: lengthDelimited(),
 *     reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 *   }));
 * ```
 *
 * @module
 */
import { integer, wrong } from "../check.ts";
import { availableParallelism } from "node:os";
import { serialize } from "node:v8";
import type { TransportError } from "../errors.ts";
import { Cores, type Settings } from "./cores/_cores.ts";
import type { MultiCoreServer } from "./cores/_server.ts";
import { placeOf } from "./base/_options.ts";
import { workerKind } from "./cores/_start_worker.ts";

export type {
  CoreCloseOptions,
  CoreListenOptions,
  CoreServer,
  MultiCoreServer,
  ServeCore,
} from "./cores/_server.ts";

/** Options of {@linkcode serveOnEachCore}. */
export interface CoresOptions<Data = unknown> {
  /**
   * The address to listen on; `0.0.0.0` or `::` for all.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /** The port, 0 to 65535; with 0 the system chooses one. */
  readonly port: number;
  /**
   * How many workers, 1 to 1,024.
   *
   * @default {availableParallelism()} as many as there are cores
   */
  readonly cores?: number;
  /**
   * A value that is passed to every worker as a structured clone. On Node it cannot contain
   * shared memory.
   */
  readonly data?: Data;
  /**
   * How many workers that died are restarted within a minute. When one more dies, the others
   * are closed in order and `finished` rejects. 0 to 1,000.
   *
   * @default {5}
   */
  readonly maxRestarts?: number;
  /**
   * Called for each worker that died: by an uncaught error, a failed listener, or because
   * its process was killed. `core` counts from 1. What it throws itself is ignored.
   *
   * @default {console.error}
   */
  readonly onError?: (error: TransportError, core: number) => void;
}

/**
 * Starts a worker for each core, which imports `module` and calls the function `serveCore`
 * that it exports, a {@linkcode ServeCore}. Resolves once all are listening.
 *
 * Rejects with a `RangeError` or a `TypeError` for an invalid option, and with a
 * {@linkcode TransportError} of code `unsupported` where workers cannot share a port, or, if a
 * worker does not start, of the worker's own code or `other`. Then no worker is left running:
 * those that have started are closed, and killed if that takes more than 2 seconds.
 */
export async function serveOnEachCore<Data = unknown>(
  module: URL | string,
  options: CoresOptions<Data>,
): Promise<MultiCoreServer> {
  const server = new Cores(check(module, options));
  await server.start();
  return server;
}

function check(module: URL | string, options: CoresOptions): Settings {
  const {
    hostname = "127.0.0.1",
    port,
    cores = availableParallelism(),
    data,
    maxRestarts = 5,
    onError = (error, core) => console.error(`protosocket: core ${core}`, error),
  } = options;
  placeOf({ hostname, port }, 0);
  integer("cores", cores, 1, 1024);
  integer("maxRestarts", maxRestarts, 0, 1000);
  const kind = workerKind(cores);
  try {
    // Messages between processes can carry a little less than those between threads.
    kind === "threads" ? structuredClone(data) : serialize(data);
  } catch (cause) {
    throw wrong(`data cannot be cloned for the workers: ${(cause as Error).message}`, cause);
  }
  return {
    module: toUrl(module),
    hostname,
    port,
    cores,
    data,
    maxRestarts,
    onError,
    kind,
  };
}

function toUrl(module: URL | string): URL {
  try {
    return new URL(module);
  } catch (cause) {
    throw wrong(
      `module must be a URL, such as new URL("./echo.ts", import.meta.url), not ${module}`,
      cause,
    );
  }
}
