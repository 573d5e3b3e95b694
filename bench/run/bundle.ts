// Rows on Node run as users' programs do: from JavaScript without helpers of a loader.
import { buildSync } from "esbuild";
import { root } from "../../tools/runtimes.ts";

const FOLDER = "artefacts/rows/";

/**
 * The command with a bundle of its program in place of its source, where tsx would load that: tsx
 * gives each closure its name when it is made, which costs 256 bytes for each.
 */
export function bundled(words: readonly string[]): readonly string[] {
  const at = words.indexOf("tsx");
  const source = words[at + 1];
  // A peer's packages are found from its own folder.
  if (at < 0 || !source?.startsWith("bench/rows/")) return words;
  const outfile = FOLDER + source.slice("bench/rows/".length).replace(/\.ts$/, ".mjs");
  buildSync({
    entryPoints: [source],
    absWorkingDir: root,
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  return [...words.slice(0, at - 1), outfile, ...words.slice(at + 2)];
}
