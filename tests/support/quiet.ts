import { turn } from "./within.ts";

/** So many turns of the event loop without a change are taken for the end of all change. */
const TURNS = 20;

/**
 * Waits until `count` changes no more, for tests of what must not happen. Only in
 * memory: a socket may be at work without anything to be seen.
 */
export async function quiet(count: () => number): Promise<number> {
  let last = count();
  for (let turns = 0; turns < TURNS; turns++) {
    await turn();
    if (count() === last) continue;
    last = count();
    turns = 0;
  }
  return last;
}
