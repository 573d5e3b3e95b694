import { TransportError } from "../errors.ts";
import { delay } from "../check.ts";
import { limited } from "../waits/bounded.ts";

/** The default of `connectorTimeout`: 10 seconds. */
export const DEFAULT_CONNECTOR_TIMEOUT = 10_000;

/** The connectors that have not settled yet: each has a timeout, and a server that closes ends them. */
export class Connecting {
  readonly #timeout: number;
  /** Aborted when the server has closed. */
  readonly #closed = new AbortController();

  constructor(timeout: number) {
    this.#timeout = delay("connectorTimeout", timeout, 0);
  }

  /** Waits for what a connector returned, but not for ever. What comes too late is ignored. */
  limit<Config>(config: Config | PromiseLike<Config>): Config | Promise<Config> {
    if (typeof (config as PromiseLike<Config>)?.then !== "function") return config as Config;
    const timeout = this.#timeout;
    return limited(config as PromiseLike<Config>, {
      signals: [this.#closed.signal],
      aborted: () => givenUp("the server has closed"),
      timeout: timeout || undefined,
      timedOut: () => givenUp(`it took longer than ${timeout} ms`),
    });
  }

  /** Gives all up. */
  close(): void {
    this.#closed.abort();
  }
}

function givenUp(why: string): TransportError {
  return new TransportError("timed-out", `The connector was given up: ${why}`);
}
