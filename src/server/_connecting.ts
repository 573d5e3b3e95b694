import { TransportError } from "../errors.ts";
import { delay } from "../check.ts";

/** The default of `connectorTimeout`: 10 seconds. */
export const DEFAULT_CONNECTOR_TIMEOUT = 10_000;

/** The connectors that have not settled yet: each has a timeout, and a server that closes ends them. */
export class Connecting {
  readonly #timeout: number;
  readonly #giveUp = new Set<(why: string) => void>();

  constructor(timeout: number) {
    this.#timeout = delay("connectorTimeout", timeout, 0);
  }

  /** Waits for what a connector returned, but not for ever. What comes too late is ignored. */
  limit<Config>(config: Config | PromiseLike<Config>): Config | Promise<Config> {
    if (typeof (config as PromiseLike<Config>)?.then !== "function") return config as Config;
    return new Promise<Config>((resolve, reject) => {
      const giveUp = (why: string) => {
        settle();
        reject(new TransportError("timed-out", `The connector was given up: ${why}`));
      };
      const timer = this.#timeout > 0
        ? setTimeout(giveUp, this.#timeout, `it took longer than ${this.#timeout} ms`)
        : undefined;
      const settle = () => {
        clearTimeout(timer);
        this.#giveUp.delete(giveUp);
      };
      this.#giveUp.add(giveUp);
      (config as PromiseLike<Config>).then(
        (value) => (settle(), resolve(value)),
        (error) => (settle(), reject(error)),
      );
    });
  }

  /** Gives all up. */
  close(): void {
    for (const giveUp of this.#giveUp) giveUp("the server has closed");
  }
}
