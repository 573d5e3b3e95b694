import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Makes a function that collects all garbage now, on any of the runtimes. */
export function collector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
