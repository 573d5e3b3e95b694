// What a server's memory does: with connections that are idle, with a peer that does not
// read, and with a message that is large.
import type { Work } from "../work.ts";
import { start } from "./measure.ts";
import type { Pair } from "./pair.ts";
import { ENGINES, type Row, type Variant } from "./rows.ts";

/** A suite of one figure after another, instead of rounds. */
export interface MemorySuite {
  readonly name: "idle" | "slow" | "peak" | "peak-bytes";
  readonly title: string;
  readonly rows: readonly string[];
  /** How long it takes for each row, in seconds, about. */
  readonly estimate: number;
  readonly variant?: Variant;
  readonly probe: (pair: Pair) => Promise<Figures>;
}

export type Figures = Readonly<Record<string, number>>;

export interface MemoryResult {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly {
    readonly row: string;
    readonly skipped?: string;
    readonly figures?: Figures;
  }[];
}

const KIB = 1024;
const MIB = 1024 * KIB;
const IDLE = 10_000;
const LARGE = 16 * MIB;

const FLOORS = ENGINES.map((name) => `${name}-floor`);
const STREAMS = ENGINES.map((name) => `${name}-streams`);

const LONE: Work = { kind: "echo", connections: 1, inFlight: 1, bytes: 0, seconds: 1 };

export const MEMORY_SUITES: readonly MemorySuite[] = [
  {
    name: "idle",
    title: `${IDLE.toLocaleString("en-US")} connections that have made one call and do nothing`,
    rows: [...ENGINES, ...STREAMS, ...FLOORS, "rust-16k-raw"],
    estimate: 12,
    probe: idle,
  },
  {
    name: "slow",
    title: "A stream without an end to a client that does not read",
    rows: ENGINES.map((name) => `${name}-unread`),
    estimate: 6,
    probe: slow,
  },
  {
    name: "peak",
    title: `One echo of ${LARGE / MIB} MiB of text, in new processes`,
    rows: [...ENGINES, ...FLOORS],
    estimate: 4,
    probe: peak,
  },
  {
    name: "peak-bytes",
    title: `One echo of ${LARGE / MIB} MiB of bytes, in new processes`,
    rows: [...ENGINES, ...FLOORS],
    estimate: 4,
    variant: "bytes",
    probe: peak,
  },
];

/** Runs the rows of a suite, one after another. */
export async function probe(
  suite: MemorySuite,
  rows: readonly Row[],
  progress: (text: string) => void,
): Promise<MemoryResult> {
  const { name, title, probe } = suite;
  const all = [];
  for (const row of rows) {
    progress(`${name}: ${row.name}`);
    const { pair, skipped } = await start(row, suite);
    try {
      all.push(
        pair ? { row: row.name, figures: await probe(pair) } : { row: row.name, skipped },
      );
    } catch (error) {
      all.push({ row: row.name, skipped: (error as Error).message });
    } finally {
      pair?.stop();
    }
  }
  return { name, title, rows: all as MemoryResult["rows"] };
}

/** What a connection costs, and a turn while there are many. */
async function idle(pair: Pair): Promise<Figures> {
  // What a process grows by once, as its first thousands connect, counts with the connections.
  const few = await pair.run(LONE);
  const before = await pair.serverMemory();
  await pair.run({ ...LONE, idle: IDLE, seconds: 0.1 });
  const after = await pair.serverMemory();
  const many = await pair.run({ ...LONE, idle: IDLE });
  return {
    "KiB each": (after - before) / IDLE / KIB,
    "p50 µs alone": few.latency.p50,
    "p50 µs among them": many.latency.p50,
  };
}

/** How the server grows while nobody reads. */
async function slow(pair: Pair): Promise<Figures> {
  await pair.run({ ...LONE, seconds: 0.5 });
  const before = await pair.serverMemory();
  const running = pair.run({ ...LONE, unread: 8, seconds: 4 });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const early = await pair.serverMemory();
  await running;
  return {
    "MiB before": before / MIB,
    "after 2 s": early / MIB,
    "after 4 s": await pair.serverMemory() / MIB,
  };
}

/** How much memory a message takes at the most, in messages. */
async function peak(pair: Pair): Promise<Figures> {
  await pair.run({ ...LONE, seconds: 0.3 });
  const { server, client } = pair;
  const before = [await pair.serverMemory(), client.memory];
  server.forgetPeak();
  client.forgetPeak();
  await pair.run({ ...LONE, bytes: LARGE, seconds: 0.001 });
  return {
    "server, messages": (server.peak - before[0]!) / LARGE,
    "client, messages": (client.peak - before[1]!) / LARGE,
  };
}
