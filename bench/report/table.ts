// The results as text.
import type { SuiteResult } from "../run/measure.ts";
import type { MemoryResult } from "../run/memory.ts";

/** A table of a suite: a line for each row and step. */
export function table({ name, title, unit, cells }: SuiteResult): string {
  const sized = cells.some(({ bytes }) => bytes >= 65_536);
  const head = [
    "row",
    ...(new Set(cells.map(({ step }) => step)).size > 1 ? ["work"] : []),
    `${unit}/s best`,
    "median",
    ...(sized ? ["MiB/s best"] : []),
    `CPU µs/${unit.slice(0, -1)}`,
    "server's",
    ...["p50 µs", "p99 µs", "p99.9 µs"],
  ];
  const lines = cells.map((cell) => {
    const { row, step, skipped, rate, cpu, serverCpu, latency, bytes } = cell;
    const first = head[1] === "work" ? [row, step] : [row];
    if (!rate || !cpu || !serverCpu || !latency) return [...first, `skipped: ${skipped}`];
    const { p50, p99, p999 } = latency.median;
    return [
      ...first,
      count(rate.best),
      count(rate.median),
      ...(sized ? [count(rate.best * bytes / 2 ** 20)] : []),
      cpu.best.toFixed(2),
      serverCpu.best.toFixed(2),
      ...[p50, p99, p999].map(count),
    ];
  });
  const numbers = head[1] === "work" ? 2 : 1;
  return `\n${name}: ${title}\n${columns([head, ...lines], numbers)}`;
}

/** A table of a suite of memory. */
export function memoryTable({ name, title, rows }: MemoryResult): string {
  const names = Object.keys(rows.find(({ figures }) => figures)?.figures ?? {});
  const lines = rows.map(({ row, figures, skipped }) =>
    figures
      ? [row, ...names.map((name) => figures[name]!.toFixed(1))]
      : [row, `skipped: ${skipped}`]
  );
  return `\n${name}: ${title}\n${columns([["row", ...names], ...lines], 1)}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Lines up columns; those from `numbers` on to the right. */
export function columns(lines: readonly (readonly string[])[], numbers: number): string {
  // One that was skipped tells why, however long that is.
  const full = lines.filter((line) => line.length === lines[0]!.length);
  const widths = lines[0]!.map((_, i) => Math.max(...full.map((line) => line[i]!.length)));
  return lines.map((line) =>
    line.map((text, i) => i < numbers ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))
      .join("  ").trimEnd()
  ).join("\n");
}
