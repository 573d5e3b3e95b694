import fc from "fast-check";
import { test } from "node:test";
import { clientHearsAll, serverAnswersAll } from "./rpc.ts";

test("fuzz: whatever a client says, each rpc that it begins gets one end", async () => {
  await fc.assert(serverAnswersAll(), { numRuns: 300 });
});

test("fuzz: whatever a server says, each call comes to what it says of it", async () => {
  await fc.assert(clientHearsAll(), { numRuns: 300 });
});
