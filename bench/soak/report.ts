// What is kept of a soak.
import type { Spec } from "../run/draw.ts";
import type { Sample } from "./sample.ts";
import type { Verdict } from "./verdict.ts";

/** A process over time, by columns: what was true at each `at`. */
export interface Course {
  /** Seconds since it began. */
  readonly at: readonly number[];
  readonly heapMiB: readonly number[];
  readonly rssMiB: readonly number[];
}

export interface Report {
  readonly title: string;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** How much the client did in all, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Calls a second between each of the client's samples and the one before. */
  readonly callsPerSecond: readonly number[];
  readonly client: Course;
  readonly server: Course;
}

const MIB = 2 ** 20;
const calls = ({ counts }: Sample) =>
  Object.entries(counts).reduce((sum, [name, n]) => name === "connections" ? sum : sum + n, 0);

/** How many calls a second there were between each sample and the one before. */
export function rates(samples: readonly Sample[]): number[] {
  return samples.map((sample, i) => {
    const before = samples[i - 1];
    const [n, t] = before ? [calls(before), before.at] : [0, 0];
    return Math.round((calls(sample) - n) / (sample.at - t));
  });
}

/** Puts together what the samples of both ends say. */
export function reportOf(
  title: string,
  verdicts: Report["verdicts"],
  client: readonly Sample[],
  server: readonly Sample[],
): Report {
  return {
    title,
    verdicts,
    counts: client.at(-1)?.counts ?? {},
    callsPerSecond: rates(client),
    client: course(client),
    server: course(server),
  };
}

function course(samples: readonly Sample[]): Course {
  return {
    at: samples.map(({ at }) => at),
    heapMiB: samples.map(({ heap }) => heap / MIB),
    rssMiB: samples.map(({ rss }) => rss / MIB),
  };
}

/** The report as a plot: the rate, and below it the heaps. */
export function plot({ title, callsPerSecond, client, server }: Report): Spec {
  const calls = callsPerSecond.map((value, i) => ({ at: client.at[i], value }));
  const heaps = Object.entries({ client, server }).flatMap(([end, { at, heapMiB }]) =>
    heapMiB.map((value, i) => ({ at: at[i], value, end }))
  );
  return {
    title: { text: title, anchor: "start", fontSize: 12 },
    config: { view: { stroke: null } },
    vconcat: [
      panel(calls, "calls a second", {}),
      panel(heaps, "heap after a collection, MiB", {
        color: { field: "end", type: "nominal", title: null },
      }),
    ],
  };
}

function panel(values: unknown, axis: string, more: Spec): Spec {
  return {
    width: 700,
    height: 160,
    data: { values },
    mark: { type: "line" },
    encoding: {
      x: { field: "at", type: "quantitative", title: "s" },
      y: { field: "value", type: "quantitative", title: axis },
      ...more,
    },
  };
}
