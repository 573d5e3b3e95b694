// Servers as a model: what a call to one meets, and what its connections do. Time is virtual.
import { type CloseReason, TransportError } from "@protosocket/protosocket";
import { type CallOptions, RpcError } from "@protosocket/protosocket/rpc";
import type { VirtualClock } from "../clock.ts";
import type { Draw } from "../draw.ts";

/** How a server is: `hangs` takes calls and never answers, `lost` does not even accept or reset. */
export type State = "up" | "hangs" | "down" | "lost";

/** How long a call takes on average, and how long a packet is under way, in milliseconds. */
const SERVICE = 20;
const LATENCY = 0.5;

/** A server, and what has come to it. */
export class ModelServer {
  readonly name: string;
  readonly zone: string;
  readonly clock: VirtualClock;
  readonly draw: Draw;
  state: State = "up";
  /** How many calls it handles at once; others wait for one of these. */
  capacity: number = Infinity;
  /** Calls taken since {@linkcode ModelServer.count} was last read. */
  taken = 0;
  readonly connections: Set<ModelClient> = new Set();
  #handling = 0;
  readonly #waiting: Handled[] = [];

  constructor(name: string, zone: string, clock: VirtualClock, draw: Draw) {
    this.name = name;
    this.zone = zone;
    this.clock = clock;
    this.draw = draw;
  }

  /** How many calls it has taken since the last time. */
  count(): number {
    const { taken } = this;
    this.taken = 0;
    return taken;
  }

  /** Connects; the promise never settles if the server is lost. */
  async connect(signal?: AbortSignal): Promise<ModelClient> {
    await this.clock.sleep(2 * LATENCY);
    if (this.state === "lost") {
      await new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      );
    }
    if (this.state === "down") throw new TransportError("refused", `${this.name} is down`);
    return new ModelClient(this);
  }

  /** Says that it goes away, lets calls finish for a moment, and is down. */
  async restart(ms: number): Promise<void> {
    this.state = "down";
    for (const client of this.connections) client.goAway();
    await this.clock.sleep(1000);
    this.reset();
    await this.clock.sleep(ms);
    this.state = "up";
  }

  /** Breaks all connections. */
  reset(): void {
    for (const client of this.connections) client.end({ kind: "error", error: broken() });
  }

  /** Handles a call, at once or when there is room. */
  handle(call: Handled): void {
    if (this.#handling >= this.capacity) return void this.#waiting.push(call);
    this.#handling++;
    this.clock.at(this.#service(), () => {
      this.#handling--;
      call.done();
      let next: Handled | undefined;
      // A call that was given up costs nothing.
      while ((next = this.#waiting.shift()) && !next.wanted());
      if (next) this.handle(next);
    });
  }

  /** How long a call takes. */
  #service(): number {
    return 2 * LATENCY - SERVICE * Math.log(1 - this.draw.below(2 ** 30) / 2 ** 30);
  }
}

/** A call as a server sees it. */
interface Handled {
  /** Whether somebody waits for the answer. */
  wanted(): boolean;
  done(): void;
}

function broken(): TransportError {
  return new TransportError("reset", "The connection was reset");
}

/** What a pool needs of an `RpcClient`, over a server that is a model. */
export class ModelClient {
  readonly server: ModelServer;
  readonly closed: Promise<CloseReason>;
  readonly #calls = new Set<(error: RpcError) => void>();
  readonly #goingAway = new AbortController();
  #onClosed!: (reason: CloseReason) => void;
  #over = false;
  #alive = true;

  constructor(server: ModelServer) {
    this.server = server;
    this.closed = new Promise((resolve) => this.#onClosed = resolve);
    server.connections.add(this);
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get goingAway(): AbortSignal {
    return this.#goingAway.signal;
  }

  unary(_request: unknown, { timeout }: CallOptions = {}): Promise<unknown> {
    const { server } = this;
    if (!this.#alive) return Promise.reject(closed(false));
    if (server.state === "up" || server.state === "hangs") server.taken++;
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#calls.delete(fail);
        clearTimeout(timer);
      };
      const fail = (error: RpcError) => {
        done();
        reject(error);
      };
      this.#calls.add(fail);
      const timer = timeout === undefined ? undefined : setTimeout(
        () => fail(new RpcError("deadline-exceeded", `No answer within ${timeout} ms`)),
        timeout,
      );
      if (server.state === "hangs" || server.state === "lost") return;
      const wanted = () => this.#calls.has(fail);
      server.handle({
        wanted,
        done() {
          // One that hangs or is lost meanwhile does not answer.
          if (!wanted() || server.state === "hangs" || server.state === "lost") return;
          done();
          resolve(undefined);
        },
      });
    });
  }

  /** The server goes away: it takes no more calls here. */
  goAway(): void {
    if (!this.#alive) return;
    this.#alive = false;
    const message = "The server is going away";
    this.#goingAway.abort(new RpcError("connection-closed", message, { sent: false }));
  }

  end(reason: CloseReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#alive = false;
    this.server.connections.delete(this);
    for (const fail of this.#calls) fail(closed(true));
    this.#goingAway.abort(closed(false));
    this.#onClosed(reason);
  }

  close(): Promise<CloseReason> {
    this.end({ kind: "local" });
    return this.closed;
  }

  /** Ends once its calls are done. */
  async drain(): Promise<CloseReason> {
    this.#alive = false;
    while (this.#calls.size > 0 && !this.#over) await this.server.clock.sleep(10);
    return await this.close();
  }

  abort(): void {
    this.end({ kind: "local" });
  }
}

function closed(sent: boolean): RpcError {
  return new RpcError("connection-closed", "The connection is closed", { sent });
}
