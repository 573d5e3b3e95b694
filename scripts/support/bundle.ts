// What browsers and workers are given: one module, with nothing of another runtime in it.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { root } from "./runtimes.ts";

/** A module or a global of another runtime. Libraries may look whether there is a `process`. */
const FOREIGN =
  /["']node:|\bDeno\.|\bBun\.|\bBuffer\.(from|alloc)|(?<!\.)\bprocess\.(?!env\b)|\brequire\(/;

/** How to bundle. */
export interface BundleOptions {
  /** Files that take the place of modules. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Names beside `import` that packages may know the place by. */
  readonly conditions?: readonly string[];
  /** Modules that are there already. */
  readonly external?: readonly string[];
  readonly minify?: boolean;
}

/** Bundles a file of this repository, with all that it imports. */
export async function bundle(
  entry: string,
  { alias = {}, conditions = [], external = [], minify = false }: BundleOptions = {},
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [`${root}${entry}`],
    alias,
    bundle: true,
    minify,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: [...conditions, "import"],
    external: [...external],
    logLevel: "silent",
  });
  return outputFiles[0]!.contents;
}

/** Tells whether a bundle has nothing foreign in it, and is no larger, gzipped, than `budget`. */
export function checkBundle(name: string, code: Uint8Array, budget: number): boolean {
  const size = gzipSync(code).length;
  const foreign = FOREIGN.exec(new TextDecoder().decode(code))?.[0];
  const ok = !foreign && size <= budget;
  const told = `${code.length} bytes minified, ${size} gzipped of ${budget}`;
  const why = foreign ? `, uses ${foreign}` : "";
  console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${told}${why}`);
  return ok;
}
