import { MAX_DELAY } from "../../check.ts";
import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { fromParts, type FromWorker, type ToWorker } from "./_worker.ts";
import { startWorker, type WorkerHandle, type WorkerKind } from "./_start_worker.ts";

/** How much longer than its timeout a worker may take to close, in milliseconds. */
const GRACE = 2000;

/** The worker of one core, from its start to its end. */
export class Core {
  /** Counts from 1. */
  readonly number: number;
  /** Resolves when its server listens; rejects if it ends before. */
  readonly listening: Promise<SocketAddress>;
  /** Resolves once it is gone; with an error if it did not end in order. */
  readonly ended: Promise<TransportError | undefined>;
  readonly #address: SocketAddress | undefined;
  readonly #worker: WorkerHandle;
  #state: "starting" | "ready" | "listening" | "ended" = "starting";
  /** Messages to send once it is ready. */
  readonly #untold: ToWorker[];
  /** How it ended, if known before it is gone. */
  #outcome: { readonly error: TransportError | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onListening!: (address: SocketAddress) => void;
  #onFailed!: (error: TransportError) => void;
  #onEnded!: (error: TransportError | undefined) => void;

  /** `address` is the address that it must listen on, if already known. */
  constructor(
    number: number,
    kind: WorkerKind,
    module: URL,
    start: ToWorker,
    address: SocketAddress | undefined,
  ) {
    this.number = number;
    this.#address = address;
    this.#untold = [start];
    this.listening = new Promise((resolve, reject) => {
      this.#onListening = resolve;
      this.#onFailed = reject;
    });
    // Whoever restarts it learns of the failure from `ended`.
    this.listening.catch(() => {});
    this.ended = new Promise((resolve) => this.#onEnded = resolve);
    this.#worker = startWorker(kind, module, {
      onMessage: (message) => this.#onMessage(message),
      onGone: (cause) => this.#onGone(cause),
    });
  }

  /** Closes its server in order; kills it if that takes far longer than `timeout`. */
  close(timeout: number): void {
    this.#tell({ kind: "close", timeout });
    this.#timer ??= setTimeout(() => {
      const message = `The worker of core ${this.number} did not close in time and was ended`;
      this.#outcome ??= { error: new TransportError("timed-out", message) };
      this.kill();
    }, Math.min(timeout + GRACE, MAX_DELAY));
  }

  /** Kills it, whatever it is doing. */
  kill(): void {
    this.#worker.kill();
  }

  #tell(message: ToWorker): void {
    if (this.#state === "starting") this.#untold.push(message);
    else if (this.#state !== "ended") this.#worker.tell(message);
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#state = "ready";
        for (const message of this.#untold.splice(0)) this.#worker.tell(message);
        break;
      case "listening":
        if (this.#address && portOf(message.address) !== portOf(this.#address)) {
          return this.#moved();
        }
        this.#state = "listening";
        this.#onListening(message.address);
        break;
      case "ended":
        this.#outcome ??= { error: message.error && fromParts(this.#died(), message.error) };
        this.#worker.end();
    }
  }

  /** The system had chosen a port for workers that have since died, and now chose another. */
  #moved(): void {
    const message = `${this.#died()}: the port that the system had chosen is gone`;
    this.#outcome ??= { error: new TransportError("address-unavailable", message) };
    this.kill();
  }

  #onGone(cause: Error | undefined): void {
    if (this.#state === "ended") return;
    this.#outcome ??= {
      error: new TransportError("other", `${this.#died()}: ${cause?.message}`, { cause }),
    };
    this.#state = "ended";
    clearTimeout(this.#timer);
    const { error } = this.#outcome;
    const before = new TransportError("closed", `${this.#died()}: its server ended at once`);
    this.#onFailed(error ?? before);
    this.#onEnded(error);
  }

  #died(): string {
    return `The worker of core ${this.number} ${
      this.#state === "listening" ? "died" : "did not start"
    }`;
  }
}

function portOf(address: SocketAddress): number | undefined {
  return address.transport === "tcp" ? address.port : undefined;
}
