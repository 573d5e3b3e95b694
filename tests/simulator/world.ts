import type { Server } from "@protosocket/protosocket";
import { RpcClient, RpcPool, serveRpc } from "@protosocket/protosocket/rpc";
import type { VirtualClock } from "./clock.ts";
import { Draw } from "./draw.ts";
import { handler } from "./handler.ts";
import { codec, HEADER, type Message, messagesOf } from "./messages.ts";
import { MemoryNetwork } from "./network.ts";
import type { ClientPlan, FaultPlan, Plan } from "./plan.ts";
import type { CallRecord } from "./record.ts";
import { Trace } from "./trace.ts";

/** Something that was done to a server, a client, or a connection, and may explain an error. */
export interface Fault {
  readonly at: number;
  readonly kind: FaultPlan["kind"] | "end";
  /** The names of those concerned; all if it is left out. */
  readonly who: string | undefined;
  /** For how long: what a closing server gives its calls, how long a stall lasts. */
  readonly ms: number;
}

export type Client = RpcClient<Message, Message>;
export type Pool = RpcPool<Message, Message, string>;

/** Messages made in one turn that no turn needs. */
const SPIN = 50_000;

/** All that takes part in a run. */
export class World {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly network: MemoryNetwork;
  readonly calls: CallRecord[] = [];
  /** How many calls of typed services there have been. */
  typedCalls = 0;
  readonly faults: Fault[] = [];
  /** What must not be, found while the run went on. */
  readonly violations: string[] = [];
  readonly servers: (Server | undefined)[] = [];
  /** All servers that there have been. */
  readonly allServers: Server[] = [];
  readonly pools: (Pool | undefined)[] = [];
  readonly clients: (Client | undefined)[] = [];
  /** All clients that there have been. */
  readonly allClients: { readonly inFlight: number }[] = [];
  /** Say which calls hang that are not among {@linkcode calls}. */
  readonly hanging: (() => string[])[] = [];
  /** Pending ends of servers. */
  readonly ends: Promise<unknown>[] = [];
  /** The time, and the work done, when somebody last got on whom the run waits for. */
  progress: { at: number; work: number } = { at: 0, work: 0 };
  /** When the run begins to end. */
  endsAt: number = Infinity;
  readonly #endings: (() => void)[] = [];
  readonly #dials: (Promise<Client> | undefined)[] = [];

  constructor(plan: Plan, clock: VirtualClock, seed: number) {
    this.plan = plan;
    this.clock = clock;
    this.trace = new Trace(() => clock.now);
    const random = new Draw(seed ^ 0x5eed);
    this.network = new MemoryNetwork(clock, random, plan.network, this.trace);
    for (let at = 0; at < plan.servers; at++) this.serve(at);
    for (const [at, client] of plan.clients.entries()) {
      if (client.pool) this.pools[at] = this.#pool(at, client);
    }
  }

  violate(what: string): void {
    if (this.violations.length < 20) this.violations.push(what);
    this.trace.say("VIOLATION", what);
  }

  progressed(): void {
    this.progress = { at: this.clock.now, work: this.clock.work };
  }

  fault(kind: Fault["kind"], who: string | undefined, ms: number = 0): void {
    this.faults.push({ at: this.clock.now, kind, who, ms });
    this.trace.say("fault", kind, who ?? "", ms);
  }

  /** Counts what is done in one turn; throws if the turn does not end. */
  #busy: { turn: number; count: number } = { turn: 0, count: 0 };
  spin(): void {
    if (this.#busy.turn !== this.clock.ran) this.#busy = { turn: this.clock.ran, count: 0 };
    if (++this.#busy.count < SPIN) return;
    if (this.#busy.count === SPIN) this.violate("A turn does not end");
    throw new Error("A turn does not end");
  }

  /** Resolves when the run begins to end. */
  untilEnd(): Promise<void> {
    return new Promise((resolve) => this.ending ? resolve() : this.#endings.push(resolve));
  }

  get ending(): boolean {
    return this.clock.now >= this.endsAt;
  }

  end(): void {
    this.endsAt = this.clock.now;
    for (const end of this.#endings.splice(0)) end();
  }

  serve(at: number): void {
    const name = serverName(at);
    const { server, maxBufferLength, narrow } = this.plan;
    const running = serveRpc(this.network.listen(name), {
      codec: () => codec(),
      messages: messagesOf(narrow),
      service: () => handler(this, name),
      ...given(server),
      ...given({ maxBufferLength }),
      onError: (error, { id }) => this.trace.say(name, "onError", `rpc ${id}`, error),
      onConnectError: (error) => this.trace.say(name, "onConnectError", error),
      onConnectionError: (error) => this.trace.say(name, "onConnectionError", error),
    });
    this.servers[at] = running;
    this.allServers.push(running);
    this.trace.say(name, "listens");
  }

  /** A client's pool, or its connection, which is made again if it has ended. */
  caller(at: number): Pool | Promise<Client> | Client {
    const pool = this.pools[at];
    if (pool) return pool;
    const client = this.clients[at];
    if (client?.isAlive) return client;
    const { server } = this.plan.clients[at]!;
    return this.#dials[at] ??= this.#connect(at, serverName(server))
      .then((made) => this.clients[at] = made)
      .finally(() => this.#dials[at] = undefined);
  }

  async #connect(at: number, endpoint: string, signal?: AbortSignal): Promise<Client> {
    const name = clientName(at);
    const duplex = await this.network.dial(name, endpoint, signal);
    const { maxBufferedBytes, maxBufferedItems } = this.plan.clients[at]!;
    const client = new RpcClient(duplex, {
      codec: codec((message) => this.#onDecoded(message)),
      messages: messagesOf(this.plan.narrow),
      maxQueuedMessages: this.plan.clientQueue,
      ...given({ maxBufferLength: this.plan.maxBufferLength }),
      ...{ maxBufferedBytes, maxBufferedItems },
    });
    this.allClients.push(client);
    client.closed.then((reason) => {
      const why = reason.kind === "error" ? reason.error : reason.kind;
      this.trace.say(name, "connection to", endpoint, "ended:", why);
    });
    return client;
  }

  #onDecoded({ call, code }: Message): void {
    this.clock.work++;
    if (code !== 0) return;
    const record = this.calls[call]!;
    record.decoded++;
    this.#checkHeld(record);
  }

  /** What a client holds of a stream that is slowly read is bounded, in bytes. */
  #checkHeld({ name, ask, client, decoded, read, left, settled, handlers }: CallRecord): void {
    // What comes for a call that is over, or that was begun again, is dropped.
    if (client < 0 || ask.kind === "unary" || left || settled !== undefined) return;
    // Without windows, a stream that overflows has failed, and what still comes is dropped.
    if (handlers.length > 1 || this.plan.narrow) return;
    const { maxBufferedBytes } = this.plan.clients[client]!;
    const size = HEADER + ask.size;
    // One may take it over the bound, and one is with its reader.
    const held = (decoded - read - 2) * size;
    if (held > maxBufferedBytes) {
      this.violate(`${name} holds ${held} bytes that nobody read, not ${maxBufferedBytes}`);
    }
  }

  #pool(at: number, { slots }: ClientPlan): Pool {
    return new RpcPool<Message, Message, string>({
      endpoints: this.plan.servers === 1
        ? [serverName(0)]
        : this.plan.servers === 2
        ? [serverName(0), serverName(1)]
        : [serverName(0), serverName(1), serverName(2)],
      connect: (endpoint, { signal }) => this.#connect(at, endpoint, signal),
      slots,
      connectTimeout: 1000,
      backoff: { initial: 20, max: 200 },
    });
  }
}

export function serverName(at: number): string {
  return `server ${at}`;
}

export function clientName(at: number): string {
  return `client ${at}`;
}

/** The options that are given, for one that is undefined is not the same as one left out everywhere. */
function given<T extends object>(options: T): { [key in keyof T]: Exclude<T[key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [key in keyof T]: Exclude<T[key], undefined>;
  };
}
