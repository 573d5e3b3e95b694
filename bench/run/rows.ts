// The rows of the bench: which server and which client, and what they need.
import { command, runArgs, type Runtime } from "../../scripts/support/runtimes.ts";
import { NODE26, RUST } from "./peers.ts";

export interface Row {
  readonly name: string;
  readonly server: readonly string[];
  readonly client: readonly string[];
  /** Folders of bench/peers. */
  readonly needs: readonly string[];
}

/** Which program runs a row's files: a runtime that npm brought, or the newest Node. */
type Engine = Runtime | "node26";

export const ENGINES: readonly Engine[] = ["bun", "deno", "node", "node26"];

function program(engine: Engine, file: string): string[] {
  if (engine === "node26") return [NODE26, "--expose-gc", "--import", "tsx", file];
  const args = runArgs(engine, file, []);
  if (engine === "node") args.unshift("--expose-gc");
  if (engine === "deno") args.splice(1, 0, "--v8-flags=--expose-gc");
  return [command(engine), ...args];
}

/** A row that is a folder with a server.ts and a client.ts. */
function folder(name: string, path: string, engine: Engine, needs: readonly string[] = []): Row {
  return {
    name,
    server: program(engine, `bench/${path}/server.ts`),
    client: program(engine, `bench/${path}/client.ts`),
    needs: engine === "node26" ? [...needs, "node26"] : needs,
  };
}

function both(name: string, server: Row, client: Row): Row {
  return {
    name,
    server: server.server,
    client: client.client,
    needs: [...server.needs, ...client.needs],
  };
}

const rust: Row = {
  name: "rust",
  server: [RUST, "protosocket", "server"],
  client: [RUST, "protosocket", "client"],
  needs: ["rust"],
};
const tonic: Row = {
  name: "tonic",
  server: [RUST, "tonic", "server"],
  client: [RUST, "tonic", "client"],
  needs: ["rust"],
};
const ours = ENGINES.map((engine) => folder(engine, "rows/ours", engine));
/** A client that can stop to read, whatever the server. */
const unread = folder("unread", "rows/floor", "node");

/** All rows. Those named after a runtime alone are this library's. */
export const ROWS: readonly Row[] = [
  ...ours,
  ...ENGINES.map((engine) => folder(`${engine}-floor`, "rows/floor", engine)),
  rust,
  ...ours.slice(0, 3).map((row) => both(`${row.name}-to-rust`, rust, row)),
  ...ours.slice(0, 3).map((row) => both(`rust-to-${row.name}`, row, rust)),
  ...ours.map((row) => both(`${row.name}-unread`, row, unread)),
  ...ENGINES.slice(0, 3).flatMap((engine) =>
    ["protobuf-es", "messagepack"].map((name) =>
      folder(`${engine}-${name}`, `rows/${name}`, engine)
    )
  ),
  folder("grpc-js", "peers/grpc-js", "node", ["grpc-js"]),
  folder("connect", "peers/connect", "node26", ["connect"]),
  tonic,
  folder("ws-json", "rows/ws-json", "node"),
  folder("capnweb", "peers/capnweb", "node26", ["capnweb"]),
];

/** The same server and client on one core. */
export function pinned(row: Row): Row {
  const pin = ["taskset", "-c", "0"];
  return { ...row, server: [...pin, ...row.server], client: [...pin, ...row.client] };
}
