// Pools over hosts in memory whose endpoints are objects, with a weight, a zone or a priority.
import { type EndpointTraits, RpcPool, type RpcPoolConfig } from "@protosocket/protosocket/rpc";
import { bodyOf, Host, pass } from "./pool.ts";
import { quiet } from "./quiet.ts";
import type { Random } from "./random.ts";
import { body, type Message } from "./rpc.ts";

/** An endpoint of a {@linkcode Fleet}. */
export interface Named extends EndpointTraits {
  readonly name: string;
}

/** A pool, and the hosts that it may find. */
export interface Fleet {
  readonly pool: RpcPool<Message, Message, Named>;
  readonly hosts: ReadonlyMap<string, Host>;
  /** What the pool finds; a test changes it. */
  found: readonly Named[];
}

/** A pool that finds these endpoints; those of `more` are there to be found later. */
export function fleetOf(
  found: readonly Named[],
  options: Partial<RpcPoolConfig<Message, Message, Named>> = {},
  more: readonly string[] = [],
): Fleet {
  const names = [...found.map(({ name }) => name), ...more];
  const hosts = new Map(names.map((name) => [name, new Host(name)]));
  const pool = new RpcPool<Message, Message, Named>({
    endpoints: () => Promise.resolve(fleet.found),
    endpointsTtl: 1000,
    connect: ({ name }, { signal }) => hosts.get(name)!.connect({}, 65536, signal),
    ...options,
  });
  const fleet: Fleet = { pool, hosts, found };
  return fleet;
}

/** As many endpoints as names, which all have these traits. */
export function named(names: string, traits: EndpointTraits = {}): Named[] {
  return [...names].map((name) => ({ name, ...traits }));
}

/** How many connections each host has, by name. */
export function connections({ hosts }: Fleet): Record<string, number> {
  return Object.fromEntries([...hosts].map(([name, host]) => [name, host.connections.size]));
}

/** Who answered so many calls, one after the other. */
export async function answers(
  { pool }: Fleet,
  count: number,
  key?: (at: number) => string,
): Promise<Record<string, number>> {
  const by: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await bodyOf(pool.unary(body("x"), key && { key: key(i) })) as string;
    by[name] = (by[name] ?? 0) + 1;
  }
  return by;
}

/** Lets the pool look around, as it does once a second while there are calls, until all is quiet. */
export async function settle(fleet: Fleet, looks = 1): Promise<void> {
  const tries = () => [...fleet.hosts.values()].reduce((sum, { tries }) => sum + tries, 0);
  for (let look = 0; look < looks; look++) {
    pass(1001);
    // So many that each slot has surely been drawn.
    for (let i = 0; i < 40; i++) await answers(fleet, 5);
    await quiet(tries);
  }
}

/** Numbers from 0 to below 1 that a seed gives. */
export function drawn(random: Random): () => number {
  return () => random.below(2 ** 30) / 2 ** 30;
}
