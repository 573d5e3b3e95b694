// How evenly keys are spread over endpoints, and how many move when endpoints change.
import { bestOf, type Hash, hashOf } from "../../../src/rpc/pool/endpoints/_rendezvous.ts";
import { Ring } from "./callers.ts";

/** How keys were spread in one way. */
export interface KeysResult {
  readonly way: string;
  /** The keys of the endpoint with the most, compared with the mean. */
  readonly imbalance: number;
  /** The part of the keys that moved when one endpoint went, and when one came. */
  readonly gone: number;
  readonly come: number;
}

interface Named {
  readonly name: string;
}

type Spread = (of: readonly Named[]) => (key: string, hash: Hash, at: number) => string;

const SPREADS: Readonly<Record<string, Spread>> = {
  "rendezvous (this pool)": (of) => {
    const ranked = of.map(({ name }) => ({ key: name, hash: hashOf(name), weight: 1 }));
    return (_, hash) => bestOf(ranked, hash, () => false)!.key;
  },
  "ring of 100 places each": (of) => {
    const ring = new Ring(of);
    return (key) => ring.from(key).next().value!.name;
  },
  "key mod endpoints": (of) => (_key, _hash, at) => of[at % of.length]!.name,
};

/** Spreads so many keys over so many endpoints, in each way. */
export function spreadKeys(endpoints: number, keys: number): KeysResult[] {
  const all = Array.from({ length: endpoints + 1 }, (_, i) => ({ name: `10.0.0.${i}:9000` }));
  const before = all.slice(0, endpoints);
  const without = before.toSpliced(Math.floor(endpoints / 3), 1);
  const texts = Array.from({ length: keys }, (_, i) => `key ${i}`);
  const hashes = texts.map(hashOf);
  return Object.entries(SPREADS).map(([way, spread]) => {
    const places = (of: readonly Named[]) => {
      const place = spread(of);
      return texts.map((text, i) => place(text, hashes[i]!, i));
    };
    const first = places(before);
    const moved = (then: readonly string[]) =>
      then.filter((name, i) => name !== first[i]).length / keys;
    const counts = new Map<string, number>();
    for (const name of first) counts.set(name, (counts.get(name) ?? 0) + 1);
    return {
      way,
      imbalance: Math.max(...counts.values()) * endpoints / keys,
      gone: moved(places(without)),
      come: moved(places(all)),
    };
  });
}
