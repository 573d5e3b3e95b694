import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { now, turn } from "./within.ts";

/** How many sockets this process has open, as Linux tells; undefined elsewhere. */
export function openSockets(): number | undefined {
  if (process.platform !== "linux") return undefined;
  let sockets = 0;
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")) sockets++;
    } catch {
      // Closed since it was listed.
    }
  }
  return sockets;
}

/**
 * What keeps the process from its end, by kind, where the runtime tells (Node), and the
 * sockets, where the system does.
 */
export function openHandles(): Record<string, number> {
  const handles: Record<string, number> = { sockets: openSockets() ?? 0 };
  for (const kind of process.getActiveResourcesInfo?.() ?? []) {
    handles[kind] = (handles[kind] ?? 0) + 1;
  }
  return handles;
}

/** Milliseconds after which nothing more will be released. */
const LIMIT = 10_000;

/** Waits until no more handles are open than `before`; returns those left over at the end. */
export async function leftOver(before: Record<string, number>): Promise<Record<string, number>> {
  for (const since = now();; await turn()) {
    const more = Object.entries(openHandles())
      .map(([kind, count]): [string, number] => [kind, count - (before[kind] ?? 0)])
      .filter(([kind, count]) => count > 0 && kind !== "Immediate");
    if (more.length === 0 || now() - since > LIMIT) return Object.fromEntries(more);
  }
}
