// The rows of the bench: which server and which client, and what they need.
import { command, runArgs } from "../../tools/runtimes.ts";
import { NODE24, NODE26, RUST } from "./peers.ts";

/** Two programs. */
export interface Programs {
  readonly server: readonly string[];
  readonly client: readonly string[];
}

export interface Row extends Programs {
  readonly name: string;
  /** Folders of bench/peers. */
  readonly needs: readonly string[];
  /** What does the work of suites whose messages are not the echo's. */
  readonly bytes?: Programs;
  readonly fanOut?: Programs;
}

/** Which of a row's programs a suite runs; default those of the echo. */
export type Variant = "bytes" | "fanOut";

/** Which program runs a row's files. */
export type Engine = "bun" | "deno" | "node24" | "node26";

export const ENGINES: readonly Engine[] = ["bun", "deno", "node24", "node26"];
/** One of each runtime, where it is not about the row itself. */
export const RUNTIMES: readonly Engine[] = ["bun", "deno", "node26"];

function program(engine: Engine, file: string, ...args: string[]): string[] {
  const node = { node24: NODE24, node26: NODE26 } as Partial<Record<Engine, string>>;
  const path = node[engine];
  if (path) return [path, "--expose-gc", "--import", "tsx", file, ...args];
  const run = runArgs(engine as "bun" | "deno", file, args);
  if (engine === "deno") run.splice(1, 0, "--v8-flags=--expose-gc");
  return [command(engine as "bun" | "deno"), ...run];
}

/** The server.ts and the client.ts of a folder. */
function programs(path: string, engine: Engine, ...args: string[]): Programs {
  return {
    server: program(engine, `bench/${path}/server.ts`, ...args),
    client: program(engine, `bench/${path}/client.ts`, ...args),
  };
}

function folder(name: string, path: string, engine: Engine, needs: readonly string[] = []): Row {
  const its = engine === "node24" || engine === "node26" ? [...needs, engine] : needs;
  return { name, ...programs(path, engine), needs: its };
}

function both(name: string, server: Row, client: Row): Row {
  return {
    name,
    server: server.server,
    client: client.client,
    needs: [...server.needs, ...client.needs],
  };
}

/** This library: over the sockets as they are, or by their streams alone. */
function own(engine: Engine, name: string, ...args: string[]): Row {
  return {
    ...folder(name, "rows/ours", engine),
    ...programs("rows/ours", engine, ...args),
    bytes: programs("rows/ours-bytes", engine, ...args),
    fanOut: programs("rows/ours-fan-out", engine, ...args),
  };
}

function floor(engine: Engine): Row {
  return {
    ...folder(`${engine}-floor`, "rows/floor", engine),
    bytes: programs("rows/floor-bytes", engine),
    fanOut: programs("rows/floor-fan-out", engine),
  };
}

function crate(name: string, what: string, ...args: string[]): Row {
  const run = (...flags: string[]) => ({
    server: [RUST, ...flags, ...args, what, "server"],
    client: [RUST, ...flags, ...args, what, "client"],
  });
  return { name, ...run(), needs: ["rust"], fanOut: run("--fan-out") };
}

const rust = crate("rust", "protosocket");
/** With a receive buffer that grows in small steps: less memory, and it is read more often. */
const rustSmall = crate("rust-16k", "protosocket", "--step", "16384");
const ours = ENGINES.map((engine) => own(engine, engine));
const some = ours.filter(({ name }) => RUNTIMES.includes(name as Engine));
/** The quickest of the clients by hand, which can also stop to read. */
const raw = floor("bun");
const rawTo = (row: Row, name: string) => both(`${row.name}-${name}`, row, raw);

/** All rows. Those named after a runtime alone are this library's. */
export const ROWS: readonly Row[] = [
  ...ours,
  ...ENGINES.map((engine) => own(engine, `${engine}-streams`, "--streams")),
  ...ENGINES.map((engine) => {
    const { needs, fanOut } = own(engine, engine, "--once");
    return { name: `${engine}-once`, ...fanOut!, fanOut: fanOut!, needs };
  }),
  ...ENGINES.map(floor),
  rust,
  rustSmall,
  ...some.map((row) => both(`${row.name}-to-rust`, rust, row)),
  ...some.map((row) => both(`rust-to-${row.name}`, row, rust)),
  ...[...ours, ...ENGINES.map(floor), rust, rustSmall].map((row) => rawTo(row, "raw")),
  ...ours.map((row) => rawTo(row, "unread")),
  ...RUNTIMES.flatMap((engine) =>
    ["protobuf-es", "messagepack"].map((name) =>
      folder(`${engine}-${name}`, `rows/${name}`, engine)
    )
  ),
  {
    ...folder("grpc-js", "peers/grpc-js", "node26", ["grpc-js"]),
    fanOut: programs("peers/grpc-js/fan-out", "node26"),
  },
  folder("connect", "peers/connect", "node26", ["connect"]),
  crate("tonic", "tonic"),
  {
    ...folder("ws-json", "rows/ws-json", "node26"),
    fanOut: programs("rows/ws-json-fan-out", "node26"),
  },
  folder("capnweb", "peers/capnweb", "node26", ["capnweb"]),
];

/** The row with what it runs in a suite. */
export function forSuite(
  row: Row,
  { variant, pinned }: { readonly variant?: Variant; readonly pinned?: boolean },
): Row {
  const { server, client } = variant ? row[variant] ?? row : row;
  const pin = pinned ? ["taskset", "-c", "0"] : [];
  return { ...row, server: [...pin, ...server], client: [...pin, ...client] };
}
