import { delay } from "../../check.ts";
import type { SocketAddress } from "../../duplex/duplex.ts";
import type { TransportError } from "../../errors.ts";
import { Core } from "./_core.ts";
import type { CoreCloseOptions, CoreListenOptions, MultiCoreServer } from "./_server.ts";
import type { WorkerKind } from "./_start_worker.ts";

/** The period that `maxRestarts` refers to, in milliseconds. */
const RESTART_WINDOW = 60_000;

/** The options of `serveOnEachCore`, checked. */
export interface Settings {
  readonly module: URL;
  readonly hostname: string;
  readonly port: number;
  readonly cores: number;
  readonly data: unknown;
  readonly maxRestarts: number;
  readonly onError: (error: TransportError, core: number) => void;
  readonly kind: WorkerKind;
}

/** Keeps a worker running on each core. */
export class Cores implements MultiCoreServer {
  address!: SocketAddress;
  readonly cores: number;
  finished: Promise<void> = Promise.resolve();
  readonly #settings: Settings;
  readonly #running = new Set<Core>();
  /** When workers were restarted, within the last minute. */
  #restarts: number[] = [];
  #closing: Promise<void> | undefined;
  /** The port to request. */
  #port: number;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#port = settings.port;
    this.cores = settings.cores;
  }

  async start(): Promise<void> {
    try {
      // The first worker determines the port, if the system is to choose it.
      const first = this.#open(1);
      this.address = await first.listening;
      const others = Array.from({ length: this.cores - 1 }, (_, i) => this.#open(i + 2));
      await Promise.all(others.map((core) => core.listening));
      this.finished = this.#finish([first, ...others]);
      // A rejection that nobody awaits must not end the process.
      this.finished.catch(() => {});
    } catch (error) {
      const all = [...this.#running];
      // Not killed: Deno says that a thread has ended before what it had open is closed, and
      // whoever then connects would reach nobody, or be reset.
      for (const core of all) core.close(0);
      await Promise.all(all.map((core) => core.ended));
      throw error;
    }
  }

  close({ timeout = 10_000 }: CoreCloseOptions = {}): Promise<void> {
    // Check it here: a server would throw in its worker, where nobody sees it.
    delay("timeout", timeout, 0);
    return this.#closing ??= this.#close(timeout);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeout: number): Promise<void> {
    for (const core of this.#running) core.close(timeout);
    await this.finished.catch(() => {});
  }

  async #finish(cores: Core[]): Promise<void> {
    const errors = await Promise.all(cores.map((core) => this.#keep(core)));
    const error = errors.find((error) => error !== undefined);
    if (error) throw error;
  }

  /** Keeps a worker on a core, until it has ended in order or workers died too often. */
  async #keep(core: Core): Promise<TransportError | undefined> {
    for (;;) {
      const error = await core.ended;
      if (!error || this.#closing) return error;
      this.#report(error, core.number);
      if (this.#closing) return undefined;
      if (!this.#mayRestart()) {
        void this.close();
        return error;
      }
      core = this.#open(core.number);
    }
  }

  #open(number: number): Core {
    const { kind, module, hostname, data } = this.#settings;
    // Processes that requested the same port, even 0, share a socket; when none is left,
    // that socket is gone.
    if (this.address?.transport === "tcp" && (kind === "threads" || this.#running.size === 0)) {
      this.#port = this.address.port;
    }
    const reusePort = kind === "threads" && this.cores > 1;
    const options: CoreListenOptions = { hostname, port: this.#port, reusePort };
    const start = { kind: "start", module: module.href, options, data } as const;
    const core = new Core(number, kind, module, start, this.address);
    this.#running.add(core);
    core.ended.then(() => this.#running.delete(core));
    return core;
  }

  #mayRestart(): boolean {
    const now = performance.now();
    this.#restarts = this.#restarts.filter((at) => now - at < RESTART_WINDOW);
    if (this.#restarts.length >= this.#settings.maxRestarts) return false;
    this.#restarts.push(now);
    return true;
  }

  #report(error: TransportError, core: number): void {
    try {
      this.#settings.onError(error, core);
    } catch {
      // Reporting an error must not change what happens.
    }
  }
}
