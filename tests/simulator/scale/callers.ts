// Who calls: pools of this package, and three ways that others spread calls.
import { type RpcClient, RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { hashOf } from "../../../src/rpc/pool/endpoints/_rendezvous.ts";
import type { Draw } from "../draw.ts";
import type { ModelClient, ModelServer } from "./servers.ts";

/** How long a call may take, in milliseconds. */
export const TIMEOUT = 1000;
/** How often one that may have been sent is made again, for all callers. */
const REPEATS = 2;
/** How long those who are no pool leave a server alone that refused, in milliseconds. */
const PAUSE = 1000;

/** Makes calls for one client. */
export interface Caller {
  call(key: string): Promise<unknown>;
  /** The servers that are found have changed. */
  found(servers: readonly ModelServer[]): void;
}

/** One client's place among all. */
export interface ClientAt {
  readonly index: number;
  readonly zone: string;
  readonly draw: Draw;
}

/** A way to spread calls. */
export type Way = (servers: readonly ModelServer[], at: ClientAt) => Caller;

interface Endpoint {
  readonly name: string;
  readonly zone: string;
}

/** How a pool spreads its calls. */
export interface PoolHow {
  readonly subset?: number;
  readonly zoned?: boolean;
  readonly keyed?: boolean;
  readonly maxZoneInFlight?: number;
}

/** A pool of this package. */
export function pool(
  servers: readonly ModelServer[],
  { index, zone, draw }: ClientAt,
  how: PoolHow,
): Caller {
  let now = servers;
  const byName = () => new Map(now.map((server) => [server.name, server]));
  let names = byName();
  const made = new RpcPool<unknown, unknown, Endpoint>({
    endpoints: () => Promise.resolve(now.map(({ name, zone }) => ({ name, zone }))),
    endpointsTtl: 5000,
    connect: ({ name }, { signal }) =>
      names.get(name)!.connect(signal) as unknown as Promise<RpcClient<unknown, unknown>>,
    timeout: TIMEOUT,
    connectTimeout: 2000,
    ...(how.subset !== undefined && { subset: { size: how.subset, client: index } }),
    ...(how.zoned && { zone }),
    ...(how.maxZoneInFlight !== undefined && { maxZoneInFlight: how.maxZoneInFlight }),
    random: () => draw.below(2 ** 30) / 2 ** 30,
  });
  return {
    call: (key) => made.unary({}, { idempotent: true, ...(how.keyed && { key }) }),
    found(servers) {
      now = servers;
      names = byName();
    },
  };
}

/** A connection to each server, made again a while after it has ended. */
class Connected {
  servers: readonly ModelServer[];
  readonly #clients = new Map<ModelServer, ModelClient>();
  readonly #connecting = new Map<ModelServer, Promise<ModelClient>>();
  readonly #pauses = new Map<ModelServer, number>();

  constructor(servers: readonly ModelServer[]) {
    this.servers = servers;
  }

  live(server: ModelServer): ModelClient | undefined {
    const client = this.#clients.get(server);
    if (client?.isAlive) return client;
    if (client) this.#clients.delete(server);
    this.#connect(server);
    return undefined;
  }

  /** Waits for a connection, if there is none at all. */
  async any(): Promise<ModelClient> {
    return await Promise.any(this.#connecting.values()).catch(() => {
      throw new RpcError("unavailable", "No connection", { sent: false });
    });
  }

  found(servers: readonly ModelServer[]): void {
    const there = new Set(servers);
    for (const [server, client] of this.#clients) {
      if (there.has(server)) continue;
      this.#clients.delete(server);
      client.drain();
    }
    this.servers = servers;
  }

  #connect(server: ModelServer): void {
    if (this.#connecting.has(server) || performance.now() < (this.#pauses.get(server) ?? 0)) return;
    const connecting = server.connect(AbortSignal.any([]));
    this.#connecting.set(server, connecting);
    connecting.then(
      (client) => this.#clients.set(server, client),
      () => this.#pauses.set(server, performance.now() + PAUSE),
    ).then(() => this.#connecting.delete(server));
  }
}

/** Picks a server that is connected for a call. */
type Pick = (
  connected: Connected,
  key: string,
  tried: ReadonlySet<ModelServer>,
) => ModelClient | undefined;

/** A way that picks a server for each call, and again if its connection ends. */
function picks(newPick: (at: ClientAt) => Pick): Way {
  return (servers, at) => {
    const connected = new Connected(servers);
    const pick = newPick(at);
    const call = async (key: string) => {
      const tried = new Set<ModelServer>();
      const endsAt = performance.now() + TIMEOUT;
      for (let repeats = 0;;) {
        const client = pick(connected, key, tried) ?? await connected.any();
        try {
          const timeout = Math.max(1, Math.ceil(endsAt - performance.now()));
          return await client.unary({}, { timeout });
        } catch (error) {
          tried.add(client.server);
          const { code, sent } = error as RpcError;
          if (code !== "connection-closed" || sent && repeats++ >= REPEATS) throw error;
        }
      }
    };
    return { call, found: (servers) => connected.found(servers) };
  };
}

/** Each server in its turn. */
function inTurn({ draw }: ClientAt): Pick {
  let next = draw.below(2 ** 20);
  return (connected) => {
    const { servers } = connected;
    for (let tries = 0; tries < servers.length; tries++) {
      const client = connected.live(servers[next++ % servers.length]!);
      if (client) return client;
    }
    return undefined;
  };
}

/** The one with fewer calls in flight of two. */
function leastOfTwo({ draw }: ClientAt): Pick {
  return (connected) => {
    let best: ModelClient | undefined;
    let found = 0;
    for (let tries = 0; tries < 1000 && found < 2; tries++) {
      const client = connected.live(draw.pick(connected.servers));
      if (!client || client === best) continue;
      found++;
      if (!best || client.inFlight < best.inFlight) best = client;
    }
    return best;
  };
}

/** The places of each server on a ring. */
const PLACES = 100;

/** A ring of servers by hashes, as in ketama. */
export class Ring<Server extends { readonly name: string }> {
  readonly #ring: { readonly hash: number; readonly server: Server }[];

  constructor(servers: readonly Server[]) {
    this.#ring = servers.flatMap((server) =>
      Array.from({ length: PLACES }, (_, i) => ({ hash: hashOf(`${server.name} ${i}`)[0], server }))
    ).sort((a, b) => a.hash - b.hash);
  }

  /** The servers from a key's place on. */
  *from(key: string): Generator<Server> {
    const [hash] = hashOf(key);
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ring[middle]!.hash < hash) low = middle + 1;
      else high = middle;
    }
    for (let i = 0; i < this.#ring.length; i++) {
      yield this.#ring[(low + i) % this.#ring.length]!.server;
    }
  }
}

const rings = new WeakMap<readonly ModelServer[], Ring<ModelServer>>();

/** The next server on a ring that is connected. */
function onRing(): Pick {
  return (connected, key, tried) => {
    const { servers } = connected;
    const ring = rings.get(servers) ?? new Ring(servers);
    rings.set(servers, ring);
    for (const server of ring.from(key)) {
      const client = tried.has(server) ? undefined : connected.live(server);
      if (client) return client;
    }
    return undefined;
  };
}

/** All ways, by name. */
export const WAYS: Readonly<Record<string, Way>> = {
  "this pool": (servers, at) => pool(servers, at, { subset: 20 }),
  "this pool, zones": (servers, at) => pool(servers, at, { subset: 20, zoned: true }),
  "least of two": picks(leastOfTwo),
  "round robin": picks(inTurn),
  "this pool, keys": (servers, at) => pool(servers, at, { subset: 20, keyed: true }),
  "ring, keys": picks(onRing),
};
