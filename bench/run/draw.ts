// Draws Vega-Lite specifications, in a process of its own with the packages for that.
import { spawnSync } from "node:child_process";
import { root } from "../../tools/runtimes.ts";
import { install, NODE26 } from "./peers.ts";

/** A specification; its packages have the types. */
export type Spec = Readonly<Record<string, unknown>>;

/** An SVG of each, or why there is none. */
export function draw(specs: readonly Spec[]): { svgs: readonly string[]; undrawn?: string } {
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
