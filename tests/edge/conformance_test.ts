// The adapter conformance suite inside workerd.
import { listen } from "../../src/adapters/node.ts";
import { relay } from "../support/relay.ts";
import { casesInWorker } from "./cases.ts";

await casesInWorker("tests/edge/conformance_worker.ts", async () => {
  const listener = await listen({ port: 0 });
  joinPairs(listener);
  const { port } = listener.address as { port: number };
  return { vars: { RELAY_PORT: String(port) }, close: () => listener.close() };
});

/** Joins each connection to the one after it. */
async function joinPairs(listener: Awaited<ReturnType<typeof listen>>): Promise<void> {
  const accepted = listener[Symbol.asyncIterator]();
  for (;;) {
    const [first, second] = [await accepted.next(), await accepted.next()];
    if (first.done || second.done) return;
    relay(first.value, second.value, {});
  }
}
