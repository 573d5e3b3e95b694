import fc from "fast-check";
import { test } from "node:test";
import { headerHolds, headerIsRead } from "./proxy.ts";

test("fuzz: whatever a connection begins with, the verdict on it is early and final", async () => {
  await fc.assert(headerHolds(), { numRuns: 2000 });
});

test("fuzz: what a PROXY header says is read from it", async () => {
  await fc.assert(headerIsRead(), { numRuns: 1000 });
});
