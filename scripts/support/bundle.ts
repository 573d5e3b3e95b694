// Bundles for browsers and Workers: one module, with nothing from other runtimes in it.
import { build } from "esbuild";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "../../tools/runtimes.ts";

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
  /** Whether it is for a server, and may import `node:` modules. */
  readonly server?: boolean;
}

/** Bundles a file, named from the repository's folder, with all that it imports. */
export async function bundle(
  entry: string,
  { alias = {}, conditions = [], external = [], minify = false, server = false }: BundleOptions =
    {},
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [resolve(root, entry)],
    alias,
    bundle: true,
    minify,
    write: false,
    format: "esm",
    platform: server ? "node" : "browser",
    target: "es2022",
    conditions: [...conditions, "import"],
    external: [...external],
    logLevel: "silent",
  });
  return outputFiles[0]!.contents;
}

/**
 * Tells whether a bundle is no larger, gzipped, than `budget`, and, unless it is for a server,
 * has nothing foreign in it.
 */
export function checkBundle(
  name: string,
  code: Uint8Array,
  budget: number,
  server = false,
): boolean {
  const size = gzipSync(code).length;
  const foreign = server ? undefined : FOREIGN.exec(new TextDecoder().decode(code))?.[0];
  const ok = !foreign && size <= budget;
  const told = `${code.length} bytes minified, ${size} gzipped of ${budget}`;
  const why = foreign ? `, uses ${foreign}` : "";
  console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${told}${why}`);
  return ok;
}
