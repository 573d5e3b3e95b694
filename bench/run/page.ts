// The results as one HTML page with plots.
import { plot, type Report } from "../soak/report.ts";
import { draw } from "./draw.ts";
import { type Verdict, verdicts } from "./goals.ts";
import { plots } from "./plots.ts";
import type { Run } from "./store.ts";
import { columns, memoryTable, table } from "./table.ts";

/** Draws a page of runs and soaks. Returns also why it could not draw the plots. */
export function page(
  runs: readonly Run[],
  soaks: readonly Report[],
): { readonly html: string; readonly undrawn?: string | undefined } {
  const { svgs, undrawn } = draw([
    ...runs.flatMap(({ result }) => result ? plots(result) : []),
    ...soaks.map(plot),
  ]);
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>protosocket: measured</title>
<style>body { font: 14px sans-serif; margin: 2em } figure { display: inline-block; margin: 1em }</style>
<h1>Measured</h1>
${[...new Set(runs.map(heading))].map((text) => `<p>${escaped(text)}</p>`).join("\n")}
${svgs.map((svg) => `<figure>${svg}</figure>`).join("\n")}
<pre>${escaped(textOf(runs))}</pre>
</html>
`;
  return { html, undrawn };
}

/** How and where it was measured. */
export function heading({ command, at, machine, settings }: Run): string {
  const { cores, processor, system, loadBefore } = machine;
  return `${at.slice(0, 10)}, ${command}: ${settings.rounds} rounds of ${settings.seconds} s; ` +
    `${cores} cores of ${processor}, ${system}, load ${loadBefore}`;
}

/** A run's table, as it is printed. */
export function tableOf({ result, memory }: Run): string {
  return result ? table(result) : memoryTable(memory!);
}

/** The goals that runs allow to judge. */
export function goalsOf(runs: readonly Run[]): string {
  const judged = verdicts(
    runs.flatMap(({ result }) => result ?? []),
    runs.flatMap(({ memory }) => memory ?? []),
  );
  if (judged.length === 0) return "";
  const line = ({ goal, met, figure }: Verdict) => [goal, met ? "met" : "MISSED", figure];
  return `\ngoals\n${columns([["goal", "verdict", "figure"], ...judged.map(line)], 2)}`;
}

/** All tables, and the goals. */
export function textOf(runs: readonly Run[]): string {
  return [...runs.map(tableOf), goalsOf(runs)].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
