// What a fleet's calls met, as a Vega-Lite specification and as a table.
import type { Spec } from "../../../bench/run/draw.ts";
import type { CrowdedResult } from "./crowded.ts";
import type { KeysResult } from "./keys.ts";
import { type PhaseResult, PHASES, type SecondResult } from "./run.ts";

const CONFIG = { view: { stroke: null }, title: { anchor: "start", fontSize: 12 } };

/** Failed calls over time, loads, and connections, one above the other. */
export function plot(
  phases: readonly PhaseResult[],
  seconds: readonly SecondResult[],
  rate: number,
): Spec {
  const ways = [...new Set(phases.map(({ way }) => way))];
  const color = { field: "way", type: "nominal", title: null, sort: ways };
  const x = { field: "phase", type: "nominal", sort: PHASES, title: null };
  const axis = { labelAngle: -20 };
  return {
    config: CONFIG,
    vconcat: [
      {
        title: "Calls that failed, in percent of a second's",
        width: 640,
        height: 180,
        data: {
          values: seconds.map(({ failed, ...rest }) => ({ ...rest, failed: 100 * failed / rate })),
        },
        mark: { type: "line", strokeWidth: 1.5 },
        encoding: {
          x: { field: "second", type: "quantitative", title: "virtual seconds" },
          y: { field: "failed", type: "quantitative", title: "%" },
          color,
        },
      },
      ...([
        ["Load of the busiest server, compared with the mean", "imbalance", "linear", 1],
        ["Open connections", "connections", "log", 1000],
      ] as const).map(([title, field, type, least]) => ({
        title,
        width: 640,
        height: 120,
        data: { values: phases },
        mark: { type: "line", point: true, strokeWidth: 1.5 },
        encoding: {
          x: { ...x, axis },
          y: { field, type: "quantitative", title: null, scale: { type, domainMin: least } },
          color,
        },
      })),
    ],
  };
}

/** A table in Markdown: a way a row, a phase a column. */
export function table(
  phases: readonly PhaseResult[],
  show: (result: PhaseResult) => string,
): string {
  const ways = [...new Set(phases.map(({ way }) => way))];
  const rows = ways.map((way) => [
    way,
    ...PHASES.map((phase) => {
      const found = phases.find((result) => result.way === way && result.phase === phase);
      return found ? show(found) : "";
    }),
  ]);
  return markdown(["", ...PHASES], rows);
}

/** The keys' table. */
export function keysTable(results: readonly KeysResult[]): string {
  const percent = (part: number) => `${(100 * part).toFixed(2)} %`;
  return markdown(
    ["", "most keys, to the mean", "moved: one goes", "moved: one comes"],
    results.map(({ way, imbalance, gone, come }) => [
      way,
      imbalance.toFixed(2),
      percent(gone),
      percent(come),
    ]),
  );
}

/** The table of the crowded zone: a way a row, what stayed and what failed in each phase. */
export function crowdedTable(ways: Readonly<Record<string, readonly CrowdedResult[]>>): string {
  const percent = (part: number) => `${(100 * part).toFixed(2)} %`;
  const phases = Object.values(ways)[0]!.map(({ phase }) => phase);
  return markdown(
    ["", ...phases.flatMap((phase) => [`${phase}: stayed`, "failed"])],
    Object.entries(ways).map(([way, results]) => [
      way,
      ...results.flatMap(({ here, failed, calls }) => [percent(here), percent(failed / calls)]),
    ]),
  );
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
