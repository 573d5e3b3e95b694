// Plays a scenario once.
import type { FleetServer } from "./fleet.ts";
import { Load } from "./load.ts";
import type { Scenario } from "./scenarios.ts";

/** How many calls are answered before a server is told to go, and after it has come back. */
const CALLS = 100;

/** What a run came to. */
export interface Outcome {
  readonly offered: number;
  /** How many calls failed, by reason. */
  readonly failed: Record<string, number>;
  /** How many streams moved. */
  readonly moved: number;
  /** What is wrong; empty if nothing is. */
  readonly wrong: string[];
}

/** Lets servers go under load, beginning with the one at `first`, and starts them again. */
export async function play(
  scenario: Scenario,
  servers: readonly FleetServer[],
  first: number,
): Promise<Outcome> {
  const { ms, idempotent, long, longMs, streams, timeout, restarts } = scenario;
  let begun = -await begunBy(servers);
  const load = new Load(servers.map(({ port }) => port));
  const { pool } = load;
  await Promise.all(Array.from({ length: pool.size }, (_, key) => pool.client({ key })));
  if (streams !== "none") {
    const keys = Array.from({ length: pool.size }, (_, key) => key);
    await Promise.all(keys.map((key) => load.stream(key, streams === "move")));
  }
  for (let i = 0; i < long; i++) load.call(longMs, idempotent);
  load.start(ms, idempotent);
  for (let i = 0; i < restarts; i++) {
    await load.more(CALLS);
    const server = servers[(first + i) % servers.length]!;
    begun += await server.go();
    await load.more(CALLS);
    await server.start(timeout);
  }
  await load.stop();
  begun += await begunBy(servers);
  const wrong = Object.entries(load.failed).map(([why, count]) => `${count} failed: ${why}`);
  if (load.offered !== load.answered && wrong.length === 0) wrong.push("some calls are lost");
  if (!idempotent && begun > load.offered) wrong.push(`${begun} begun of ${load.offered}`);
  if (streams === "move" && load.moved === 0) wrong.push("no stream has moved");
  return { offered: load.offered, failed: load.failed, moved: load.moved, wrong };
}

/** How many calls the servers have begun since they were started. */
async function begunBy(servers: readonly FleetServer[]): Promise<number> {
  const counts = await Promise.all(servers.map((server) => server.begun()));
  return counts.reduce((a, b) => a + b);
}
