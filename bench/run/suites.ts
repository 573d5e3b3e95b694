// What is measured: pieces of work, and which rows do them.
import type { Work } from "../work.ts";
import { ENGINES, RUNTIMES, type Variant } from "./rows.ts";

export interface Suite {
  readonly name: string;
  readonly title: string;
  /** What the figures count. */
  readonly unit: string;
  /** Names of rows. */
  readonly rows: readonly string[];
  readonly steps: readonly Step[];
  /** Which of the rows' programs it runs; default those of the echo. */
  readonly variant?: Variant;
  /** Both ends share one core. */
  readonly pinned?: boolean;
  /** Of the rounds that are asked for, so many are enough; default all. */
  readonly rounds?: number;
  /** How long a piece of work takes, as a part of the seconds that are asked for; default 1. */
  readonly share?: number;
}

/** A piece of work of a suite. */
export interface Step {
  readonly label: string;
  /** Where it is on the axis of what grows. */
  readonly x?: number;
  readonly work: Omit<Work, "seconds">;
  /** How much longer it takes than others, so that each connection has its turns; default 1. */
  readonly times?: number;
  /** Rows that cannot do it, with why. */
  readonly not?: Readonly<Record<string, string>> | undefined;
}

const named = (suffix: string) => (engines: readonly string[]) =>
  engines.map((engine) => `${engine}-${suffix}`);
const floors = named("floor");
const streams = named("streams");
const services = named("services");

const ECHO = { kind: "echo", connections: 4, inFlight: 256, bytes: 0 } as const;
const LONE = { kind: "echo", connections: 1, inFlight: 1, bytes: 0 } as const;

/** How many messages of a size are in flight: 4 MiB of them, and no more than 256. */
function sized(bytes: number): Step["work"] {
  const inFlight = Math.max(1, Math.min(256, 2 ** 22 / bytes));
  return { kind: "echo", connections: Math.min(4, inFlight), inFlight, bytes };
}

/** One call in flight on each of so many connections. */
function crowd(connections: number): Step {
  return {
    label: `${connections.toLocaleString("en-US")} connections`,
    x: connections,
    times: connections > 5000 ? 3 : 1,
    work: { kind: "echo", connections, inFlight: connections, bytes: 0 },
    not: connections > 5000
      ? {
        rust: "10 GiB of receive buffers",
        "rust-raw": "5 GiB of receive buffers",
        "grpc-js": "minutes to connect",
      }
      : undefined,
  };
}

const CROWDS = [64, 1024, 10_000].map(crowd);

const KIB = 1024;
const MIB = 1024 * KIB;

function size(bytes: number): string {
  if (bytes >= MIB) return `${bytes / MIB} MiB`;
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`;
}

function sizeStep(bytes: number): Step {
  return { label: size(bytes), x: bytes, work: sized(bytes) };
}

function doublings(from: number, to: number): number[] {
  const all = [];
  for (let n = from; n <= to; n *= 2) all.push(n);
  return all;
}

const lone: Omit<Suite, "name" | "title"> = {
  unit: "rpcs",
  rows: [...ENGINES, ...streams(ENGINES), ...floors(ENGINES), "rust", "tonic", "grpc-js"],
  steps: [{ label: "1 in flight over 1 connection", work: LONE }],
};

const STREAMS = { kind: "stream", connections: 1, inFlight: 1, bytes: 64 } as const;

export const SUITES: readonly Suite[] = [
  {
    name: "unary",
    title: "256 unary echoes in flight over 4 connections",
    unit: "rpcs",
    rows: [
      ...[...ENGINES, ...streams(ENGINES), ...floors(ENGINES), "rust"],
      ...RUNTIMES.flatMap((name) => [`${name}-to-rust`, `rust-to-${name}`]),
      ...RUNTIMES.flatMap((name) => [`${name}-protobuf-es`, `${name}-messagepack`]),
      ...[...services(ENGINES), ...named("services-ts-proto")(ENGINES)],
      ...named("services-json")(ENGINES),
      ...["tonic", "grpc-js", "connect", "ws-json", "capnweb"],
    ],
    steps: [{ label: "256 in flight over 4 connections", work: ECHO }],
  },
  {
    name: "crowd",
    title: "One unary echo in flight on each connection",
    unit: "rpcs",
    rows: [
      ...services(ENGINES),
      ...[...ENGINES, ...streams(ENGINES), ...floors(ENGINES), "rust", "rust-16k"],
      ...["tonic", "grpc-js", "ws-json"],
    ],
    steps: CROWDS,
  },
  {
    name: "crowd-server",
    title: "The same from one raw client: the server alone",
    unit: "rpcs",
    rows: [...ENGINES, ...floors(ENGINES), "rust", "rust-16k"].map((name) => `${name}-raw`),
    steps: CROWDS,
  },
  {
    name: "fan-out",
    title: "One message to 1,000 connections; the next when all have it",
    unit: "messages",
    variant: "fanOut",
    rows: [
      ...[...ENGINES, ...named("once")(ENGINES), ...floors(ENGINES), "rust"],
      ...["tonic", "grpc-js", "ws-json"],
    ],
    steps: [64, 4096].map((bytes) => ({
      label: size(bytes),
      work: { kind: "fan-out", connections: 1000, inFlight: 1, bytes },
    })),
  },
  { name: "lone", title: "One unary echo at a time", ...lone },
  { name: "lone-pinned", title: "One at a time, both ends on one core", ...lone, pinned: true },
  {
    name: "open",
    title: "A fixed rate over 4 connections; latency from the intended time of sending",
    unit: "rpcs",
    rows: [...ENGINES, ...floors(ENGINES), "rust", "tonic", "grpc-js"],
    steps: [20_000, 100_000].map((rate) => ({
      label: `${rate / 1000}k/s`,
      work: { ...ECHO, rate },
      not: rate > 20_000 ? { "grpc-js": "it cannot", tonic: "it cannot" } : undefined,
    })),
  },
  {
    name: "sizes",
    title: "Echoes by the size of their text, about 4 MiB in flight",
    unit: "rpcs",
    rows: [...ENGINES, ...floors(ENGINES), "rust"],
    steps: [64, KIB, 64 * KIB, 512 * KIB, MIB, 16 * MIB].map(sizeStep),
  },
  {
    name: "sizes-bytes",
    title: "Echoes by the size of their bytes, about 4 MiB in flight",
    unit: "rpcs",
    variant: "bytes",
    rows: [...ENGINES, ...streams(ENGINES), ...floors(ENGINES)],
    steps: [64 * KIB, 512 * KIB, MIB, 16 * MIB].map(sizeStep),
  },
  {
    name: "stream",
    title: "Streams of 1,000 items of 64 bytes, one after another on one connection",
    unit: "items",
    rows: [
      ...services(ENGINES),
      ...[...ENGINES, ...streams(ENGINES), ...floors(ENGINES), "rust"],
      ...["tonic", "grpc-js", "connect"],
    ],
    steps: [{ label: "1 connection", work: { ...STREAMS, items: 1000 } }],
  },
  {
    name: "bidi",
    title: "Streams of 1,000 requests of 64 bytes, each answered, one after another",
    unit: "items",
    rows: [
      ...[...services(ENGINES), ...named("services-ts-proto")(ENGINES)],
      ...["tonic", "grpc-js", "connect"],
    ],
    steps: [{ label: "1 connection", work: { ...STREAMS, kind: "bidi", items: 1000 } }],
  },
  {
    name: "doublings-size",
    title: "Twice the size, 4 in flight on 1 connection",
    unit: "rpcs",
    rows: RUNTIMES,
    rounds: 2,
    share: 0.25,
    steps: doublings(64, 4 * MIB).map((x) => ({
      label: size(x),
      x,
      work: { ...LONE, inFlight: 4, bytes: x },
    })),
  },
  {
    name: "doublings-batch",
    title: "Twice the items of a stream",
    unit: "items",
    rows: RUNTIMES,
    rounds: 2,
    share: 0.25,
    steps: doublings(16, 32_768).map((x) => ({
      label: `${x} items`,
      x,
      work: { ...STREAMS, items: x },
    })),
  },
  {
    name: "doublings-in-flight",
    title: "Twice the rpcs in flight, on 4 connections",
    unit: "rpcs",
    rows: RUNTIMES,
    rounds: 2,
    share: 0.25,
    steps: doublings(4, 16_384).map((x) => ({
      label: `${x} in flight`,
      x,
      work: { ...ECHO, inFlight: x },
    })),
  },
  {
    name: "doublings-connections",
    title: "Twice the connections, 4 rpcs in flight on each",
    unit: "rpcs",
    rows: [...RUNTIMES, ...floors(RUNTIMES), "rust"],
    rounds: 2,
    share: 0.25,
    steps: doublings(1, 1024).map((x) => ({
      label: `${x} connections`,
      x,
      work: { ...ECHO, connections: x, inFlight: 4 * x },
    })),
  },
];
