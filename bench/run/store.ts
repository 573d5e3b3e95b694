// What is kept of a run: a file for each suite, so that the newest run of each is there.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../soak/report.ts";
import type { Machine } from "./machine.ts";
import type { Settings, SuiteResult } from "./measure.ts";
import type { MemoryResult } from "./memory.ts";

/** How a suite was measured, and what came of it. */
export interface Run {
  readonly command: string;
  /** When it began, in ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly settings: Settings;
  readonly result?: SuiteResult;
  readonly memory?: MemoryResult;
}

/** More digits than these would be noise. */
const DIGITS = 4;

/**
 * Writes values as JSON, their fractions rounded, each in a line of its own down to `depth`;
 * a list of numbers is a line.
 */
export function written(value: unknown, depth: number): string {
  const text = JSON.stringify(
    value,
    (_, value) =>
      typeof value === "number" && !Number.isInteger(value)
        ? Number(value.toPrecision(DIGITS))
        : value,
  );
  return `${lines(JSON.parse(text), depth, "")}\n`;
}

function lines(value: unknown, depth: number, indent: string): string {
  if (depth === 0 || typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value) && typeof value[0] === "number") return JSON.stringify(value);
  const deeper = `${indent} `;
  const list = Array.isArray(value);
  const parts = Object.entries(value).map(([key, item]) =>
    deeper + (list ? "" : `${JSON.stringify(key)}: `) + lines(item, depth - 1, deeper)
  );
  const [open, close] = list ? "[]" : "{}";
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

/** Writes the file of a suite, in place of that of an older run. */
export function store(folder: string, run: Run): void {
  mkdirSync(folder, { recursive: true });
  const name = (run.result ?? run.memory)!.name;
  writeFileSync(join(folder, `suite-${name}.json`), written(run, 3));
}

/** The runs whose files are in a folder, and the reports of soaks. */
export function stored(folder: string): { runs: Run[]; soaks: Report[] } {
  const read = <T>(pattern: RegExp): T[] =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  return { runs: read(/^suite-.*\.json$/), soaks: read(/^soak-.*\.json$/) };
}
