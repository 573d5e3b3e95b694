// A zone whose servers are too few for what is called from it, in virtual time.
import { VirtualClock } from "../clock.ts";
import { Draw } from "../draw.ts";
import { pool, type PoolHow } from "./callers.ts";
import { ModelServer } from "./servers.ts";

const HERE = "zone a";
const THERE = "zone b";
/** So many servers are here, and twice as many there; each handles 250 calls in a second. */
const SERVERS = 4;
const CAPACITY = 5;
const CLIENTS = 10;

/** How many calls of all clients together in a second, and for how many seconds. */
export const CROWDED_PHASES = [
  { phase: "60 % of what the zone can do", rate: 600, seconds: 20 },
  { phase: "150 %", rate: 1500, seconds: 30 },
  { phase: "60 % again", rate: 600, seconds: 50 },
] as const;

/** What was seen in a phase. */
export interface CrowdedResult {
  readonly phase: string;
  readonly calls: number;
  readonly failed: number;
  /** The part of the calls of its second half that stayed in the zone. */
  readonly here: number;
  /** Open connections to the other zone, at the end. */
  readonly connectionsThere: number;
}

/** What is compared: pools that know no zones, that prefer their own, and that do so within a bound. */
export const CROWDED_WAYS: Readonly<Record<string, PoolHow>> = {
  "no zones": {},
  "zones": { zoned: true },
  "zones, `maxZoneInFlight: 0.5`": { zoned: true, maxZoneInFlight: 0.5 },
};

/** Runs clients of one zone whose calls become too many for it, and fewer again. */
export async function runCrowded(how: PoolHow, seed: number): Promise<CrowdedResult[]> {
  const clock = new VirtualClock();
  const draw = new Draw(seed);
  const restore = clock.install(() => draw.below(2 ** 30) / 2 ** 30);
  try {
    const servers = draw.times(3 * SERVERS, (i) => {
      const server = new ModelServer(`10.0.0.${i}:9000`, i < SERVERS ? HERE : THERE, clock, draw);
      server.capacity = CAPACITY;
      return server;
    });
    const callers = draw.times(
      CLIENTS,
      (index) => pool(servers, { index, zone: HERE, draw: new Draw(draw.below(2 ** 30)) }, how),
    );
    const results: CrowdedResult[] = [];
    let [calls, failed, rate, over] = [0, 0, 0, false];
    const taken = () => {
      const by = { [HERE]: 0, [THERE]: 0 };
      for (const server of servers) by[server.zone as typeof HERE] += server.count();
      return by[HERE]! / (by[HERE]! + by[THERE]!);
    };
    const call = () => {
      if (over) return;
      calls++;
      draw.pick(callers).call("").catch(() => failed++);
      clock.at(-1000 / rate * Math.log(1 - draw.below(2 ** 30) / 2 ** 30), call);
    };
    let ms = 0;
    for (const { phase, rate: next, seconds } of CROWDED_PHASES) {
      clock.at(ms, () => rate = next);
      clock.at(ms + 500 * seconds, taken);
      ms += 1000 * seconds;
      clock.at(ms - 1, () => {
        const there = servers.filter(({ zone }) => zone === THERE);
        const connectionsThere = there.reduce((sum, { connections }) => sum + connections.size, 0);
        results.push({ phase, calls, failed, here: taken(), connectionsThere });
        calls = failed = 0;
      });
    }
    clock.at(1, call);
    clock.at(ms, () => over = true);
    await clock.run(() => Infinity, () => over);
    return results;
  } finally {
    restore();
  }
}
