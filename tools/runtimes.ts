// How this repository's programs are started on each runtime, with what `npm ci` brought.
import process from "node:process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

export const RUNTIMES = ["deno", "bun", "node"] as const;
export type Runtime = typeof RUNTIMES[number];

/** Reads the value of a `--runtime` option. */
export function parseRuntime(value: string): Runtime {
  const found = RUNTIMES.find((runtime) => runtime === value);
  if (found) return found;
  throw new Error(`--runtime must be one of ${RUNTIMES.join(", ")}, not ${value}`);
}

/** The runtime that runs this. */
export function current(): Runtime {
  return "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
}

/** On Windows npm's commands are scripts for a shell; these are what they start. */
const WINDOWS = { deno: "deno/deno.exe", bun: "bun/bin/bun.exe", node: "node/bin/node.exe" };

/**
 * The command of a runtime: the one that runs this, or the one that npm installed. It is a
 * program on Windows, too, and needs no shell. (npm itself does there.)
 */
export function command(runtime: Runtime): string {
  if (runtime === current()) return process.execPath;
  const installed = packaged(process.platform === "win32" ? WINDOWS[runtime] : `.bin/${runtime}`);
  return existsSync(installed) ? installed : runtime;
}

/** A file of what npm installed. A script is given to Node: Windows knows no first line. */
export function packaged(file: string): string {
  return `${root}node_modules/${file}`;
}

/** The flags of each runtime that come before a program of this repository. */
export const FLAGS: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["run", "-A", "--quiet"],
  bun: ["run"],
  node: ["--import", "tsx"],
};

/** The arguments that run a program of this repository on a runtime. */
export function runArgs(runtime: Runtime, file: string, args: readonly string[]): string[] {
  return [...FLAGS[runtime], file, ...args];
}
