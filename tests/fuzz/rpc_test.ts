import fc from "fast-check";
import { test } from "node:test";
import { clientHearsAll, serverAnswersAll } from "./rpc.ts";

test("fuzz: whatever a client sends, each RPC that it begins gets exactly one end", async () => {
  await fc.assert(serverAnswersAll(), { numRuns: 300 });
});

test("fuzz: whatever a server sends, each call has the outcome that the messages say", async () => {
  await fc.assert(clientHearsAll(), { numRuns: 300 });
});
