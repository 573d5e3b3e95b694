import {
  type CoresOptions,
  type MultiCoreServer,
  serveOnEachCore,
} from "@protosocket/protosocket/cores";
import { connect } from "@protosocket/protosocket/node";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { soon } from "../support/within.ts";
import type { Ask, WorkerData } from "./worker.ts";

export const WORKER: URL = new URL("./worker.ts", import.meta.url);

/** Serves the tests' module on two cores, without restarting workers. */
export function serveOnTwo(
  data: WorkerData = {},
  options: Partial<CoresOptions<WorkerData>> = {},
): Promise<MultiCoreServer> {
  return soon(
    serveOnEachCore(WORKER, { port: 0, cores: 2, maxRestarts: 0, data, ...options }),
    "two workers to listen",
  );
}

export function portOf({ address }: Pick<MultiCoreServer, "address">): number {
  if (address.transport === "tcp") return address.port;
  throw new Error("It listens on no port");
}

/** A client on a connection of its own. */
export async function dial(port: number): Promise<RpcClient<Message, Message>> {
  return new RpcClient(await connect({ port }), { codec: jsonCodec(), messages });
}

/** Asks, and gives the answer's body. */
export async function ask(client: RpcClient<Message, Message>, what: Ask): Promise<unknown> {
  return (await soon(client.unary(body(what)), `an answer to ${what}`)).body;
}

/** Asks on new connections until workers, as many as expected, have answered; returns them. */
export async function workers(port: number, expected: number): Promise<Set<unknown>> {
  const found = new Set<unknown>();
  // By chance one of two workers gets as many connections in a row once in 2^63 times.
  for (let i = 0; i < 64 && found.size < expected; i++) {
    await using client = await dial(port);
    found.add(await ask(client, "who"));
  }
  return found;
}
