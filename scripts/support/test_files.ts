// Which test files there are, and which of them take their time.
import { readdirSync } from "node:fs";
import { root } from "./runtimes.ts";

/**
 * Folders and files that `npm test` leaves to `npm run test:all`: they break connections, kill
 * servers or crowd them, for a long time each. They run one at a time, since they need the
 * machine for themselves.
 */
const SLOW: readonly string[] = [
  "tests/cores/",
  "tests/drain/",
  "tests/faults/",
  "tests/hostile/",
  "tests/kill/",
  "tests/simulator/",
  "tests/soak/",
];

/** The test files below a folder of the repository, without those below `except`. */
export function testFiles(folder: string, except?: string): string[] {
  const names = readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith("_test.ts") && !(except && file.startsWith(`${except}/`)))
    .sort();
}

export function isSlow(file: string): boolean {
  return SLOW.some((part) => file.startsWith(part));
}
