import { fail } from "@std/assert";
import { test } from "node:test";

/** What is used of a response. */
export type Answer = Pick<Response, "ok" | "text">;

/**
 * Registers the cases that case_registry.ts keeps in another place, such as a worker or a
 * page. `ask` brings a path to its `answer` there.
 */
export async function remoteCases(
  place: string,
  ask: (path: string) => Promise<Answer>,
): Promise<void> {
  const cases: { name: string; skip?: string }[] = JSON.parse(await (await ask("/")).text());
  for (const [index, { name, skip }] of cases.entries()) {
    test(name, skip ? { skip } : {}, async () => {
      const answer = await ask(`/run?case=${index}`);
      if (!answer.ok) fail(`in the ${place}: ${await answer.text()}`);
    });
  }
}
