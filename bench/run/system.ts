// What many connections need of the system.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";

/** Descriptors that a process has besides its connections, and ports that others use. */
const OTHERS = 200;

/**
 * What starts a program with as many descriptors as may be had, which runtimes do for themselves
 * and others do not.
 */
export const RAISED: readonly string[] = process.platform === "win32"
  ? []
  : ["sh", "-c", 'ulimit -n "$(ulimit -H -n)" 2>/dev/null; exec "$0" "$@"'];

/** Why so many connections from one process to another cannot be had, if they cannot. */
export function lacking(connections: number): string | undefined {
  const needed = connections + OTHERS;
  const files = descriptors();
  if (files < needed) {
    return `it needs ${needed} descriptors a process, and the hard limit is ${files}: ulimit -n ${needed}`;
  }
  const free = ports();
  if (free < needed) {
    return `it needs ${needed} ports, and net.ipv4.ip_local_port_range has ${free}`;
  }
  return undefined;
}

/** How many descriptors a process may have. */
function descriptors(): number {
  if (process.platform === "win32") return Infinity;
  const limit = execFileSync("sh", ["-c", "ulimit -H -n"], { encoding: "utf8" }).trim();
  return limit === "unlimited" ? Infinity : Number(limit);
}

/**
 * How many connections there may be from one address to one port: each row has a port of its
 * own, and Linux uses a port again a second after a connection over loopback was closed.
 */
function ports(): number {
  try {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const [first, last] = range.trim().split(/\s+/).map(Number);
    return last! - first! + 1;
  } catch {
    // Not Linux: the range of the registry of ports.
    return 16_384;
  }
}
