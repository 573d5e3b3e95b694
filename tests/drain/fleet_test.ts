// Servers go and come back under load, and no call fails. `npm run drain` does it many times.
import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { FleetServer } from "./fleet.ts";
import { play } from "./run.ts";
import { scenarios } from "./scenarios.ts";

// Windows has no SIGTERM to send: there it ends a program at once.
const skip = process.platform === "win32" && "Windows has no SIGTERM";

for (const scenario of scenarios(500)) {
  test(`a fleet whose servers go, one by one: ${scenario.name}`, { skip }, async () => {
    await using first = new FleetServer();
    await using second = new FleetServer();
    for (const server of [first, second]) await server.start(scenario.timeout);
    const { wrong } = await play(scenario, [first, second], 0);
    assertEquals(wrong, []);
  });
}
