// Calls over a pool at a steady rate, whatever becomes of them, and what became of each.
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { messages, type Request, type Response, STREAM } from "./messages.ts";

/** Milliseconds between two calls: two hundred a second. */
const EVERY = 5;

/** A pool, and the calls made over it. */
export class Load {
  /** How many calls have been made; a stream is not counted. */
  offered = 0;
  answered = 0;
  /** How often a stream was told to move, and did. */
  moved = 0;
  /** How often calls failed for which reason. */
  readonly failed: Record<string, number> = {};
  readonly pool: RpcPool<Request, Response, number>;
  readonly #calls = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #onAnswer: () => void = () => {};

  constructor(ports: readonly number[]) {
    this.pool = new RpcPool({
      endpoints: ports,
      connect: async (port, { signal }) => {
        const { connect } = await sockets();
        const duplex = await connect({ port, signal });
        return new RpcClient(duplex, { codec: json<Response, Request>(), messages });
      },
    });
  }

  /** Makes calls from now on, each of which takes `ms`. */
  start(ms: number, idempotent: boolean): void {
    const began = performance.now();
    let made = 0;
    // A timer that comes late makes up for it: the rate does not depend on the machine.
    this.#timer = setInterval(() => {
      for (const due = (performance.now() - began) / EVERY; made < due; made++) {
        this.call(ms, idempotent);
      }
    }, EVERY);
  }

  /** Makes one call. */
  call(ms: number, idempotent: boolean): void {
    const request: Request = plain({ number: this.offered++, ms });
    this.#track(
      this.pool.unary(request, { idempotent }).then(({ body }) => {
        if (body !== request.body!.number) throw new Error(`answered with ${body}`);
        this.answered++;
      }),
    );
  }

  /** Reads an endless stream; one that moves is opened anew when its server is going away. */
  stream(key: number, moves: boolean): Promise<void> {
    const opened = this.#open(key, moves);
    this.#track(opened.over);
    return opened.first;
  }

  /** Waits until so many calls more have been answered. */
  async more(count: number): Promise<void> {
    const wanted = this.answered + count;
    const enough = new Promise<void>((resolve) => {
      this.#onAnswer = () => this.answered >= wanted && resolve();
    });
    await soon(enough, `${count} more answers, after ${this.figures}`);
  }

  /** Makes no more calls, and waits for the ends of all. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await soon(Promise.all(this.#calls), "the end of every call");
    await soon(this.pool.close(), "the end of the pool");
  }

  get figures(): string {
    return `${this.offered} calls, ${this.answered} answered, failed ${
      JSON.stringify(this.failed)
    }`;
  }

  #track(call: Promise<void>): void {
    const tracked = call.catch((error) => {
      const what = error instanceof RpcError ? `${error.code}, sent ${error.sent}` : String(error);
      this.failed[what] = (this.failed[what] ?? 0) + 1;
    }).then(() => {
      this.#calls.delete(tracked);
      this.#onAnswer();
    });
    this.#calls.add(tracked);
  }

  #open(key: number, moves: boolean): { first: Promise<void>; over: Promise<void> } {
    let onFirst: () => void;
    const first = new Promise<void>((resolve) => onFirst = resolve);
    const read = async () => {
      for (let again = true; again && !this.#stop.signal.aborted;) {
        again = false;
        await using stream = this.pool.streaming(
          plain({ number: STREAM, ms: 20, stream: true }),
          { key, signal: this.#stop.signal },
        );
        for await (const _ of stream) {
          onFirst();
          again = moves && stream.goingAway.aborted;
          if (again) break;
        }
        if (again) this.moved++;
      }
    };
    const over = read().catch((error) => {
      // One that stays is cancelled at the server's deadline; that is what the deadline is for.
      const cancelled = error instanceof RpcError && error.code === "cancelled";
      if (!this.#stop.signal.aborted && !(cancelled && !moves)) throw error;
    });
    return { first, over };
  }
}
