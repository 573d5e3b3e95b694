import { build } from "esbuild";
import { fileURLToPath } from "node:url";

/** Bundles the page's program, with the library, into one file. */
export async function bundlePage(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return outputFiles[0]!.contents;
}
