// Who answered the calls of a fleet over time, as a Vega-Lite specification.
import type { Spec } from "../../bench/run/draw.ts";
import type { Step } from "./load.ts";
import { STEP } from "./load.ts";
import type { Event } from "./play.ts";

/** A plot for each pool, one above the other, with what happened when. */
export function plot(steps: readonly Step[], events: readonly Event[]): Spec {
  const pools = [...new Set(steps.map(({ pool }) => pool))];
  return {
    config: { view: { stroke: null }, title: { anchor: "start", fontSize: 12 } },
    vconcat: pools.map((pool) => ({
      title: `Calls a second, ${pool}: who answered, or why not`,
      width: 760,
      height: 170,
      layer: [
        {
          data: {
            values: steps.filter((step) => step.pool === pool)
              .map(({ second, what, count }) => ({ second, what, rate: count * 1000 / STEP })),
          },
          mark: { type: "bar", width: 760 / ((steps.at(-1)?.second ?? 1) * 1000 / STEP) },
          encoding: {
            x: { field: "second", type: "quantitative", title: "seconds" },
            y: { field: "rate", type: "quantitative", title: null },
            color: { field: "what", type: "nominal", title: null },
          },
        },
        {
          data: { values: events.map(({ name, second }) => ({ name, second })) },
          layer: [
            { mark: { type: "rule", color: "black" } },
            {
              mark: { type: "text", angle: 270, align: "right", dx: -2, dy: 9, fontSize: 10 },
              encoding: { text: { field: "name" }, y: { value: 0 } },
            },
          ],
          encoding: { x: { field: "second", type: "quantitative" } },
        },
      ],
    })),
  };
}
