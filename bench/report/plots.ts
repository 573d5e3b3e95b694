// The results as Vega-Lite specifications.
import type { Spec } from "../run/draw.ts";
import type { Cell, SuiteResult } from "../run/measure.ts";

const PERCENTILES = ["p50", "p90", "p99", "p999"] as const;

/** All plots of a suite. */
export function plots({ name, title, unit, cells }: SuiteResult): Spec[] {
  const there = cells.filter((cell) => cell.rate);
  if (there.length === 0) return [];
  if (there.some(({ x }) => x !== undefined)) {
    const sized = name.includes("size");
    const rate = growth(
      title,
      sized ? "MiB/s" : `${unit}/s`,
      there,
      ({ rate, bytes }) => rate!.best * (sized ? bytes / 2 ** 20 : 1),
    );
    if (!name.startsWith("crowd")) return [rate];
    const alone = name === "crowd-server";
    const axis = `CPU time, µs/rpc, ${alone ? "server" : "both ends"}`;
    return [rate, growth(title, axis, there, (cell) => (alone ? cell.serverCpu : cell.cpu)!.best)];
  }
  return [...new Set(there.map(({ step }) => step))].flatMap((step) => {
    const some = there.filter((cell) => cell.step === step);
    const heading = `${title}: ${step}`;
    return [
      ...(name === "open"
        ? []
        : [perRow(BARS, heading, `${unit}/s, best`, some, ({ rate }) => rate!.best)]),
      perRow(
        POINTS,
        heading,
        `CPU time, µs/${unit.slice(0, -1)}, both ends`,
        some,
        ({ cpu }) => cpu!.best,
      ),
      latencies(heading, some),
    ];
  });
}

function chart(title: string, values: unknown, rest: Spec): Spec {
  const config = { view: { stroke: null }, title: { anchor: "start", fontSize: 12 } };
  return { width: 460, title, data: { values }, config, ...rest };
}

/** How figures are drawn: each one's mark, and the axis that they are on. */
interface Look {
  readonly mark: Spec;
  readonly scale: Spec;
}

const BARS: Look = { mark: { type: "bar" }, scale: {} };
/** For rows that are a hundred times apart: a logarithmic axis has no zero for bars to begin at. */
const POINTS: Look = { mark: { type: "point", filled: true, size: 80 }, scale: { type: "log" } };

function perRow(
  { mark, scale }: Look,
  title: string,
  axis: string,
  cells: readonly Cell[],
  of: (cell: Cell) => number,
): Spec {
  return chart(title, cells.map((cell) => ({ row: cell.row, value: of(cell), kind: kind(cell) })), {
    mark,
    encoding: {
      y: { field: "row", type: "nominal", sort: null, title: null, axis: { grid: true } },
      x: { field: "value", type: "quantitative", title: axis, scale },
      color: { field: "kind", type: "nominal", title: null },
    },
  });
}

function latencies(title: string, cells: readonly Cell[]): Spec {
  const values = cells.flatMap(({ row, latency }) =>
    PERCENTILES.map((percentile) => ({ row, percentile, value: latency!.median[percentile] }))
  );
  return chart(title, values, {
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "percentile", type: "ordinal", sort: null, title: null, axis: { labelAngle: 0 } },
      y: { field: "value", type: "quantitative", title: "latency, µs", scale: { type: "log" } },
      color: { field: "row", type: "nominal", sort: null, title: null },
    },
  });
}

/** What a figure becomes when something grows. */
function growth(
  title: string,
  axis: string,
  cells: readonly Cell[],
  of: (cell: Cell) => number,
): Spec {
  const values = cells.map((cell) => ({ row: cell.row, x: cell.x, value: of(cell) }));
  return chart(title, values, {
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "x", type: "quantitative", title: null, scale: { type: "log", base: 2 } },
      y: {
        field: "value",
        type: "quantitative",
        title: axis,
        scale: { type: "log" },
      },
      color: { field: "row", type: "nominal", sort: null, title: null },
    },
  });
}

function kind({ row }: Cell): string {
  if (row.endsWith("-floor")) return "by hand";
  return /^(bun|deno|node)/.test(row) || row.startsWith("rust-to") ? "protosocket" : "others";
}
