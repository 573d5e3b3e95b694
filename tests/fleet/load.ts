// A pool that is called at a steady rate, and what becomes of each call.
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { messages, type Request, type Response } from "./messages.ts";

/** Milliseconds between two calls: a hundred a second. */
const EVERY = 10;
/** How long each call takes, and may take. */
const MS = 20;
const TIMEOUT = 1000;
/** Milliseconds that are counted together. */
export const STEP = 500;

/** What became of calls that were made in one step. */
export interface Step {
  readonly pool: string;
  readonly second: number;
  /** A server's name, or a reason to fail. */
  readonly what: string;
  count: number;
}

/** A pool's calls. */
export class Load {
  readonly name: string;
  readonly pool: RpcPool<Request, Response, number>;
  readonly steps: Step[] = [];
  offered = 0;
  answered = 0;
  retried = 0;
  ejected = 0;
  /** How many failed since the last {@linkcode Load.failures}, by reason. */
  #failed: Record<string, number> = {};
  readonly #calls = new Set<Promise<void>>();
  readonly #began = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    name: string,
    endpoints: () => readonly number[],
    caCert: string | undefined,
    slots: number,
  ) {
    this.name = name;
    this.pool = new RpcPool({
      endpoints: () => Promise.resolve(endpoints()),
      endpointsTtl: 1000,
      slots,
      timeout: TIMEOUT,
      connectTimeout: TIMEOUT,
      outlierDetection: { baseEjectionTime: 5000 },
      connect: async (port, { signal }) => {
        const { connect } = await sockets();
        const tls = caCert === undefined ? {} : { tls: { caCerts: [caCert] } };
        const duplex = await connect({ port, signal, ...tls });
        return new RpcClient(duplex, { codec: json<Response, Request>(), messages });
      },
      observer: {
        onRetry: () => this.retried++,
        onEjected: () => this.ejected++,
      },
    });
  }

  /** How many failed since the last time, by reason. */
  failures(): Record<string, number> {
    const failed = this.#failed;
    this.#failed = {};
    return failed;
  }

  start(): void {
    const began = performance.now();
    let made = 0;
    // A timer that comes late makes up for it: the rate does not depend on the machine.
    this.#timer = setInterval(() => {
      for (const due = (performance.now() - began) / EVERY; made < due; made++) this.#call();
    }, EVERY);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await soon(Promise.all(this.#calls), "the end of every call");
    await soon(this.pool.close(), "the end of the pool");
  }

  #call(): void {
    const at = Math.floor((performance.now() - this.#began) / STEP) * STEP / 1000;
    const number = ++this.offered;
    const call = this.pool.unary(plain({ number, ms: MS }), { idempotent: true }).then(
      ({ body }) => {
        if (body!.number !== number) throw new Error("answered with another's answer");
        this.answered++;
        this.#count(at, body!.server);
      },
    ).catch((error) => {
      const why = error instanceof RpcError ? error.code : String(error);
      this.#failed[why] = (this.#failed[why] ?? 0) + 1;
      this.#count(at, why);
    }).then(() => void this.#calls.delete(call));
    this.#calls.add(call);
  }

  #count(second: number, what: string): void {
    const found = this.steps.findLast((step) => step.second === second && step.what === what);
    if (found) found.count++;
    else this.steps.push({ pool: this.name, second, what, count: 1 });
  }
}
