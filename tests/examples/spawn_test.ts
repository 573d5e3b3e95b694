import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";

test("example spawn: light rpcs are answered while heavy ones are, and these can be stopped", async () => {
  await using server = new Program("examples/spawn/server.ts", ["127.0.0.1:0"]);
  const { address } = await server.listening();
  // Twice: the worker that was stopped has been replaced.
  for (let run = 0; run < 2; run++) {
    await using client = new Program("examples/spawn/client.ts", [address]);
    assertEquals(await client.ended, 0, client.said);
    assertMatch(
      client.said,
      /^78498 primes below 1000000\n[1-9]\d+ light rpcs answered meanwhile\nprimes below 1e12: deadline-exceeded\n$/,
    );
  }
  await server.until(/(stopped: primes below 1000000000000\n){2}/);
});
