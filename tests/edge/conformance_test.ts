// The adapter conformance suite inside workerd.
import { listen } from "../../src/adapters/node.ts";
import { joinPairs } from "../support/joined_pairs.ts";
import { casesInWorker } from "./cases.ts";

await casesInWorker("tests/edge/conformance_worker.ts", async () => {
  const listener = await listen({ port: 0 });
  joinPairs(listener);
  const { port } = listener.address as { port: number };
  return { vars: { RELAY_PORT: String(port) }, close: () => listener.close() };
});
