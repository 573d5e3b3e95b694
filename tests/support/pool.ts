import { type CloseReason, Connection, duplexPair, TransportError } from "@protosocket/protosocket";
import {
  refused,
  type RpcAnswer,
  RpcClient,
  type RpcClientConfig,
  type RpcContext,
  RpcError,
  type RpcHandler,
  RpcPool,
  type RpcPoolConfig,
  rpcReactor,
} from "@protosocket/protosocket/rpc";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { body, jsonCodec, type Message, messages, rpcError } from "./rpc.ts";
import { type Deferred, deferred, outcome, soon } from "./within.ts";

/** A call that a host has received, and answers when the test says so. */
export interface Asked {
  readonly host: Host;
  readonly body: unknown;
  readonly answer: (body: unknown) => void;
  readonly signal: AbortSignal;
}

/** A server in memory at one endpoint, which a test takes down and puts up again. */
export class Host {
  readonly name: string;
  /** What it does with requests; as it is, it answers with its own name. */
  handler: RpcHandler<Message, Message> = () => body(this.name);
  /** How often it was connected to, or it was tried. */
  tries: number = 0;
  /** Its connections that are open. */
  readonly connections: Set<Connection<Message>> = new Set();
  /** The signals that the pool gave to its connects. */
  readonly signals: AbortSignal[] = [];
  #up = true;
  #gate: Deferred<void> | undefined;
  #changed = deferred();

  constructor(name: string) {
    this.name = name;
  }

  /** Stops accepting, and breaks open connections. */
  down(): void {
    this.#up = false;
    this.breakAll();
  }

  up(): void {
    this.#up = true;
  }

  breakAll(): void {
    for (const connection of this.connections) connection.abort();
  }

  /** Connects wait from now on. */
  hold(): void {
    this.#gate ??= deferred();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Waits until `condition` holds, looking again at each try to connect and each end of a connection. */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) await soon(this.#changed.promise, `${what}, at ${this.name}`);
  }

  async connect(
    config: Partial<RpcClientConfig<Message, Message>>,
    capacity: number,
    signal: AbortSignal,
  ): Promise<RpcClient<Message, Message>> {
    this.tries++;
    this.signals.push(signal);
    this.#change();
    await this.#gate?.promise;
    if (!this.#up) throw new TransportError("refused", `${this.name} is down`);
    const [here, there] = duplexPair({ capacity });
    const connection: Connection<Message> = new Connection<Message>(there, {
      codec: jsonCodec(),
      reactor: rpcReactor(
        messages,
        (request, context) => asExpected(this.handler(request, context), context),
        { onError() {} },
      ),
    });
    this.connections.add(connection);
    this.#change();
    connection.closed.then(() => {
      this.connections.delete(connection);
      this.#change();
    });
    return new RpcClient(here, { codec: jsonCodec(), messages, ...config });
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = deferred();
    resolve();
  }
}

/** What a client expects, as its ids tell: an odd one is a stream's, of this one item then. */
function asExpected(answer: RpcAnswer<Message>, context: RpcContext): RpcAnswer<Message> {
  if (Number(context.id) % 2 === 0 || answer === refused) return answer;
  if (Symbol.asyncIterator in answer || Symbol.iterator in answer) return answer;
  if ("then" in answer) return answer.then((result) => asExpected(result, context)) as never;
  return [answer].values();
}

type Config = RpcPoolConfig<Message, Message, string>;

/** What a test may say of its pool. */
export type PoolOptions = Partial<Omit<Config, "observer">> & {
  readonly client?: Partial<RpcClientConfig<Message, Message>>;
  /** The bytes that a connection holds in each direction. */
  readonly capacity?: number;
};

/** An event of a pool's observer. */
export type PoolEvent =
  | readonly ["connected", endpoint: string]
  | readonly ["failed", endpoint: string, error: unknown, rest: number]
  | readonly ["going away", endpoint: string]
  | readonly ["disconnected", endpoint: string, reason: CloseReason]
  | readonly ["ejected", endpoint: string, ms: number]
  | readonly ["retry", error: unknown]
  | readonly ["endpoints failed", error: unknown];

/** A pool over hosts in memory, `a`, `b` and so on. */
export function poolAndHosts(count: number, options: PoolOptions = {}): {
  pool: RpcPool<Message, Message, string>;
  hosts: Host[];
  /** What its observer has heard. */
  events: PoolEvent[];
} {
  const hosts = Array.from({ length: count }, (_, i) => new Host(String.fromCharCode(97 + i)));
  const events: PoolEvent[] = [];
  const { client = {}, capacity = 65536, ...config } = options;
  const pool = new RpcPool<Message, Message, string>({
    endpoints: hosts.map(({ name }) => name),
    connect(endpoint, { signal }) {
      const host = hosts.find(({ name }) => name === endpoint);
      if (!host) throw new TransportError("not-found", `There is no ${endpoint}`);
      return host.connect(client, capacity, signal);
    },
    ...config,
    observer: {
      onConnected: (...heard) => events.push(["connected", ...heard]),
      onConnectFailed: (...heard) => events.push(["failed", ...heard]),
      onGoingAway: (...heard) => events.push(["going away", ...heard]),
      onDisconnected: (...heard) => events.push(["disconnected", ...heard]),
      onEjected: (...heard) => events.push(["ejected", ...heard]),
      onRetry: (...heard) => events.push(["retry", ...heard]),
      onEndpointsFailed: (...heard) => events.push(["endpoints failed", ...heard]),
    },
  });
  return { pool, hosts, events };
}

/** Makes a host keep its calls until a test answers them; gives them one by one. */
export function asked(...hosts: Host[]): () => Promise<Asked> {
  const calls: Asked[] = [];
  let changed = deferred();
  for (const host of hosts) {
    host.handler = (request, { signal }) =>
      new Promise<Message>((resolve) => {
        const answer = (answer: unknown) => resolve(body(answer));
        calls.push({ host, body: request.body, answer, signal });
        changed.resolve();
      });
  }
  return async () => {
    while (calls.length === 0) {
      await soon(changed.promise, "a request");
      changed = deferred();
    }
    return calls.shift()!;
  };
}

/** The body of a call's answer. */
export async function bodyOf(call: Promise<Message>): Promise<unknown> {
  return (await soon(call, "the answer")).body;
}

/** The error of a call that finds no connection. */
export async function unavailable(call: Promise<unknown>): Promise<RpcError> {
  const error = await rpcError(outcome(call), "unavailable");
  assertEquals(error.sent, false);
  assertInstanceOf(error, RpcError);
  return error;
}

const now = performance.now.bind(performance);
let skew = 0;
/**
 * Where the clock stands: a busy machine would decide whether a rest is over. At a whole number,
 * so that sums are exact.
 */
let stands: number | undefined = Math.floor(now());
performance.now = () => (stands ?? now()) + skew;

/** Lets the clock run until this is disposed of: for what waits until a rest or a time is over. */
export function running(): Disposable {
  stands = undefined;
  return { [Symbol.dispose]: () => void (stands = Math.ceil(now())) };
}

/** Lets so many milliseconds pass on the clock that the pool looks at; timers are not touched. */
export function pass(milliseconds: number): void {
  skew += milliseconds;
}
