// The results as one HTML page with plots.
import { spawnSync } from "node:child_process";
import { root } from "../../scripts/support/runtimes.ts";
import type { SuiteResult } from "./measure.ts";
import { install, NODE26 } from "./peers.ts";
import { plots } from "./plots.ts";

/** Draws the page; `text` is what was printed. Returns why it could not draw the plots. */
export function page(
  heading: string,
  text: string,
  results: readonly SuiteResult[],
): { readonly html: string; readonly undrawn?: string } {
  const { svgs, undrawn } = draw(results.flatMap(plots));
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>protosocket: measured</title>
<style>body { font: 14px sans-serif; margin: 2em } figure { display: inline-block; margin: 1em }</style>
<h1>Measured</h1>
<p>${escaped(heading)}</p>
${svgs.map((svg) => `<figure>${svg}</figure>`).join("\n")}
<pre>${escaped(text)}</pre>
</html>
`;
  return undrawn === undefined ? { html } : { html, undrawn };
}

export function draw(specs: readonly unknown[]): { svgs: readonly string[]; undrawn?: string } {
  if (specs.length === 0) return { svgs: [] };
  const undrawn = install("node26") ?? install("plots");
  if (undrawn) return { svgs: [], undrawn };
  const { status, stdout, stderr } = spawnSync(
    NODE26,
    ["--import", "tsx", "bench/peers/plots/render.ts"],
    { cwd: root, input: JSON.stringify(specs), encoding: "utf8", maxBuffer: 2 ** 28 },
  );
  return status === 0 ? { svgs: JSON.parse(stdout) } : { svgs: [], undrawn: stderr.slice(-500) };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
