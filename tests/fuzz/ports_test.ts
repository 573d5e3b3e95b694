import fc from "fast-check";
import { test } from "node:test";
import { portHolds } from "./ports.ts";

test("fuzz: whatever the other end of a port posts, bytes arrive or a TransportError", async () => {
  await fc.assert(portHolds(), { numRuns: 300 });
});
