// Plays the scenarios many times and prints what came of them; npm run drain starts it.
//
//   ... tests/drain/main.ts RUNS MILLISECONDS TEXT
import process from "node:process";
import { FleetServer } from "./fleet.ts";
import { type Outcome, play } from "./run.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const [runs, longMs, only] = process.argv.slice(2);

/** Plays a scenario so many times, with fresh pools over the same two servers; returns whether all went well. */
async function repeat(scenario: Scenario, times: number): Promise<boolean> {
  await using first = new FleetServer();
  await using second = new FleetServer();
  const servers = [first, second];
  for (const server of servers) await server.start(scenario.timeout);
  const outcomes: Outcome[] = [];
  const bad = () => outcomes.filter(({ wrong }) => wrong.length > 0).length;
  for (let run = 0; run < times; run++) {
    const outcome = await play(scenario, servers, run);
    outcomes.push(outcome);
    if (outcome.wrong.length > 0) {
      console.log(`  run ${run + 1}, ${outcome.offered} calls: ${outcome.wrong.join("; ")}`);
    } else if ((run + 1) % 10 === 0) console.log(`  ${run + 1} of ${times} runs, ${bad()} bad`);
  }
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((all, o) => all + of(o), 0);
  const failed = sum(({ failed }) => Object.values(failed).reduce((all, n) => all + n, 0));
  console.log(
    `${bad() === 0 ? "ok    " : "FAILED"} ${scenario.name}: ${times} runs, ` +
      `${sum(({ offered }) => offered)} calls, ${failed} failed, ${bad()} runs bad`,
  );
  return bad() === 0;
}

const chosen = scenarios(Number(longMs)).filter(({ name }) => name.includes(only ?? ""));
if (chosen.length === 0) throw new Error(`No scenario has ${only} in its name`);
for (const scenario of chosen) {
  if (!await repeat(scenario, Number(runs))) process.exitCode = 1;
}
