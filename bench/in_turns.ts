// Times small pieces of work that take turns: the speed of a machine changes from one second to
// the next, and so it changes for all of them.
import { columns } from "./report/table.ts";

/** Does some work, and returns for how many messages that was. */
export type Work = () => number;

/** Returns nanoseconds a message of each, the best of the rounds. */
export function inTurns(works: readonly Work[], rounds: number): number[] {
  const best = works.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    works.forEach((work, i) => {
      const started = performance.now();
      const messages = work();
      best[i] = Math.min(best[i]!, (performance.now() - started) * 1e6 / messages);
    });
  }
  return best;
}

/** Two directions of a codec, each with a batch of messages. */
export interface Way {
  readonly name: string;
  readonly encode: () => void;
  readonly decode: () => void;
}

/** So many batches are timed together. */
const BATCHES = 32;

/** Times both directions of each way, in turns, and prints a table. */
export function compare(ways: readonly Way[], batch: number, rounds: number): void {
  const repeated = (work: () => void) => () => {
    for (let i = 0; i < BATCHES; i++) work();
    return BATCHES * batch;
  };
  const works = ways.flatMap(({ encode, decode }) => [repeated(encode), repeated(decode)]);
  const times = inTurns(works, rounds).map((ns) => ns.toFixed(0));
  const lines = ways.map(({ name }, i) => [name, times[2 * i]!, times[2 * i + 1]!]);
  console.log(columns([["", "encode ns", "decode ns"], ...lines], 1));
}
