// What the workers of the tests run: RPCs that return which worker answers, or make it
// behave as its data or a request says.
import { mkdirSync } from "node:fs";
import process from "node:process";
import { threadId } from "node:worker_threads";
import type { ServeCore } from "@protosocket/protosocket/cores";
import { type RpcContext, serveRpc } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { runtime } from "../support/runtime.ts";

/** What a test asks of its workers. */
export interface WorkerData {
  readonly start?: "throws" | "dies" | "hangs at close";
  /** A folder that the first worker makes; one that finds it there does not start. */
  readonly onlyOne?: string;
  /** The adapter to listen with, if not the one that can reuse a port here. */
  readonly adapter?: "deno" | "bun" | "node";
  readonly told?: ReadonlyMap<string, number>;
}

/** What a request says. */
export type Ask = "who" | "die" | "slow" | "never" | "told";

const adapters = {
  deno: () => import("@protosocket/protosocket/deno"),
  bun: () => import("@protosocket/protosocket/bun"),
  node: () => import("@protosocket/protosocket/node"),
};

export const serveCore: ServeCore<WorkerData> = async (options, data) => {
  if (data.start === "throws") throw new RangeError("it is not the day for it");
  if (data.start === "dies") process.exit(3);
  if (data.onlyOne) mkdirSync(data.onlyOne);
  // Deno's own has port reuse with a flag only; see the test of its absence.
  const { listen } = await adapters[data.adapter ?? (runtime === "bun" ? "bun" : "node")]();
  const server = serveRpc(await listen(options), {
    codec: jsonCodec,
    messages,
    service: () => (request, context) => answer(request.body as Ask, context, data),
  });
  if (data.start !== "hangs at close") return server;
  return { ...server, close: () => new Promise<void>(() => {}) };
};

async function answer(ask: Ask, { signal }: RpcContext, data: WorkerData): Promise<Message> {
  switch (ask) {
    case "who":
      return body(`${process.pid}/${threadId}`);
    case "told":
      return body([...data.told!]);
    case "die":
      setTimeout(() => {
        throw new Error("a worker of the tests dies as it should");
      });
      return await new Promise(() => {});
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, 300));
      return body("after all");
    case "never":
      return await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
  }
}
