// A large fleet in virtual time: what becomes of its calls and connections as parts of it fail.
import { VirtualClock } from "../clock.ts";
import { Draw } from "../draw.ts";
import { type Caller, type Way, WAYS } from "./callers.ts";
import { ModelServer } from "./servers.ts";

/** How large a fleet is. */
export interface Scale {
  readonly endpoints: number;
  readonly clients: number;
  /** Calls of each client in a second. */
  readonly rate: number;
}

export const ZONES: readonly string[] = ["zone a", "zone b", "zone c"];
/** What happens, one after the other; what a phase begins it ends, but for new endpoints. */
export const PHASES = [
  "first calls",
  "all is well",
  "1 % hang",
  "10 % restart",
  "a zone is lost",
  "it is back",
  "2 % are new",
] as const;

/** How many seconds each takes; loads are compared over its last ten. */
const SECONDS = [10, 10, 10, 15, 20, 40, 15];
const COMPARED = 10;

/** What was seen in a phase. */
export interface PhaseResult {
  readonly way: string;
  readonly phase: (typeof PHASES)[number];
  readonly calls: number;
  readonly failed: number;
  /** The calls of the server with the most, compared with the mean of those that are up. */
  readonly imbalance: number;
  /** Open connections at the end. */
  readonly connections: number;
}

/** What was seen in a second. */
export interface SecondResult {
  readonly way: string;
  readonly second: number;
  readonly failed: number;
}

/** Runs a fleet whose calls are spread in one way. */
export async function runScale(
  way: string,
  scale: Scale,
  seed: number,
): Promise<{ readonly phases: PhaseResult[]; readonly seconds: SecondResult[] }> {
  const clock = new VirtualClock();
  const draw = new Draw(seed);
  const restore = clock.install(() => draw.below(2 ** 30) / 2 ** 30);
  try {
    return await new Fleet(way, WAYS[way]!, scale, clock, draw).run();
  } finally {
    restore();
  }
}

class Fleet {
  readonly #name: string;
  readonly #scale: Scale;
  readonly #clock: VirtualClock;
  readonly #draw: Draw;
  #servers: ModelServer[];
  readonly #all: ModelServer[];
  readonly #callers: Caller[];
  #calls = 0;
  #failed = 0;
  #ended = false;
  readonly #seconds: SecondResult[] = [];

  constructor(name: string, way: Way, scale: Scale, clock: VirtualClock, draw: Draw) {
    this.#name = name;
    this.#scale = scale;
    this.#clock = clock;
    this.#draw = draw;
    this.#servers = draw.times(scale.endpoints, (i) => this.#server(i));
    this.#all = [...this.#servers];
    this.#callers = draw.times(scale.clients, (index) =>
      way(this.#servers, {
        index,
        zone: ZONES[index % ZONES.length]!,
        draw: new Draw(draw.below(2 ** 30)),
      }));
  }

  async run(): Promise<{ phases: PhaseResult[]; seconds: SecondResult[] }> {
    const phases: PhaseResult[] = [];
    for (const caller of this.#callers) this.#call(caller, new Draw(this.#draw.below(2 ** 30)));
    this.#tick(0);
    let ms = 0;
    for (const [i, phase] of PHASES.entries()) {
      const seconds = SECONDS[i]!;
      this.#clock.at(ms, () => this.#begin(phase, seconds));
      ms += 1000 * seconds;
      this.#clock.at(ms - 1000 * COMPARED - 1, () => {
        for (const server of this.#all) server.count();
      });
      this.#clock.at(ms - 1, () => phases.push(this.#result(phase)));
    }
    this.#clock.at(ms, () => this.#ended = true);
    await this.#clock.run(() => Infinity, () => this.#ended);
    return { phases, seconds: this.#seconds };
  }

  #server(i: number): ModelServer {
    const name = `10.${i >> 16}.${i >> 8 & 255}.${i & 255}:9000`;
    return new ModelServer(name, ZONES[i % ZONES.length]!, this.#clock, this.#draw);
  }

  #begin(phase: (typeof PHASES)[number], seconds: number): void {
    const { endpoints } = this.#scale;
    const some = (share: number) => {
      const left = [...this.#servers];
      const count = Math.max(1, Math.round(share * endpoints));
      return this.#draw.times(count, () => left.splice(this.#draw.below(left.length), 1)[0]!);
    };
    const until = (ms: number, what: () => void) => this.#clock.at(ms, what);
    switch (phase) {
      case "1 % hang":
        for (const server of some(0.01)) {
          server.state = "hangs";
          until(seconds * 1000, () => server.state = "up");
        }
        return;
      case "10 % restart":
        for (const [i, server] of some(0.1).entries()) {
          // One after the other, in the first half; each is away for two seconds.
          until(i * seconds * 500 / (0.1 * endpoints), () => server.restart(2000));
        }
        return;
      case "a zone is lost":
        for (const server of this.#servers) if (server.zone === ZONES[0]) server.state = "lost";
        return;
      case "it is back":
        for (const server of this.#servers) {
          if (server.state !== "lost") continue;
          server.state = "up";
          server.reset();
        }
        return;
      case "2 % are new": {
        const count = Math.max(1, Math.round(0.02 * endpoints));
        const added = this.#draw.times(count, (i) => this.#server(endpoints + i));
        this.#all.push(...added);
        this.#servers = [...this.#servers, ...added];
        for (const caller of this.#callers) caller.found(this.#servers);
      }
    }
  }

  /** Makes a client's calls, one after a time that is drawn, whatever becomes of the others. */
  #call(caller: Caller, draw: Draw): void {
    const pause = -1000 / this.#scale.rate * Math.log(1 - draw.below(2 ** 30) / 2 ** 30);
    this.#clock.at(pause, () => {
      if (this.#ended) return;
      this.#calls++;
      caller.call(`key ${draw.below(100_000)}`).catch(() => this.#failed++);
      this.#call(caller, draw);
    });
  }

  #tick(failed: number): void {
    this.#clock.at(1000, () => {
      // A phase's end resets the count.
      const more = this.#failed - failed;
      const second = Math.round(this.#clock.now / 1000);
      this.#seconds.push({ way: this.#name, second, failed: more < 0 ? this.#failed : more });
      if (!this.#ended) this.#tick(this.#failed);
    });
  }

  #result(phase: (typeof PHASES)[number]): PhaseResult {
    let connections = 0;
    for (const server of this.#all) connections += server.connections.size;
    const loads = this.#servers.map((server) => ({
      up: server.state === "up",
      load: server.count(),
    }));
    const up = loads.flatMap(({ up, load }) => up ? [load] : []);
    const mean = up.reduce((a, b) => a + b, 0) / up.length;
    const result = {
      way: this.#name,
      phase,
      calls: this.#calls,
      failed: this.#failed,
      imbalance: Math.max(...up) / mean,
      connections,
    };
    this.#calls = this.#failed = 0;
    return result;
  }
}
