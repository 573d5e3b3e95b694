// Builds the npm package into npm/.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type EntryPoint,
  entryPoints,
  filesOnTheWeb,
  NPM_COPIES,
  npmPackageJson,
  npmPapers,
  readDenoJson,
} from "./support/npm_package.ts";
import { npmPaper, npmTypes } from "./support/npm_readme.ts";
import { command, packaged, root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run build:npm
       deno run -A scripts/build_npm.ts [--with dnt|tsc]

Builds the npm package into npm/: ESM and types, with the entry points of deno.json.

  --with dnt       with dnt, which comes from JSR and runs on Deno (the default)
  --with tsc       with TypeScript, for machines that cannot reach JSR; what
                   npm run build:npm uses
  --help           this text`;

const OUT = `${root}npm`;
const DNT = "jsr:@deno/dnt@^0.43.2";
/** TypeScript's options for it, while it works. */
const CONFIG = `${root}tsconfig.npm.json`;
/** What is used of @std/bytes, in the package. */
const STD_BYTES = "src/_std_bytes";

/** The parts of dnt that are used. */
interface Dnt {
  build(options: Record<string, unknown>): Promise<void>;
}

async function buildWithDnt(entries: readonly EntryPoint[]): Promise<void> {
  if (!("Deno" in globalThis)) throw new Error("dnt runs on Deno: deno task build:npm");
  let dnt: Dnt;
  try {
    dnt = await import(DNT);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`dnt, which lives on JSR, cannot be had; use --with tsc. ${message}`, {
      cause,
    });
  }
  const deno = readDenoJson();
  const metadata = npmPackageJson(deno, "./esm");
  const importMap = `${OUT}.import_map.json`;
  // dnt writes what @std resolves to into the package: that must not be offline/.
  writeFileSync(importMap, JSON.stringify({ imports: deno.imports }));
  try {
    await dnt.build({
      entryPoints: entries.map(({ name, source }) => ({ name, path: `${root}${source}` })),
      outDir: OUT,
      importMap,
      configFile: false,
      // Node 20 needs neither, and dnt's would bring node: modules into bundles for browsers.
      shims: {},
      polyfills: false,
      test: false,
      scriptModule: false,
      skipSourceOutput: true,
      compilerOptions: { target: "ES2022", lib: ["ESNext", "DOM", "DOM.Iterable"] },
      // @types/node is what the types of ./node refer to while dnt checks them.
      package: { ...metadata, devDependencies: { "@types/node": "*" } },
    });
  } finally {
    rmSync(importMap, { force: true });
  }
  // Not dnt's own, in which optional peers are dependencies.
  writeMetadata(metadata);
}

function writeMetadata(metadata: Record<string, unknown>): void {
  writeFileSync(`${OUT}/package.json`, `${JSON.stringify(metadata, null, 2)}\n`);
}

/** TypeScript makes a file of each source; esbuild makes one of what is used of @std. */
async function buildWithTsc(entries: readonly EntryPoint[]): Promise<void> {
  writeFileSync(
    CONFIG,
    JSON.stringify({
      extends: "./tsconfig.json",
      compilerOptions: {
        noEmit: false,
        outDir: "npm",
        rootDir: ".",
        target: "es2022",
        allowImportingTsExtensions: false,
        rewriteRelativeImportExtensions: true,
      },
      include: ["offline/**/*.d.ts", "offline/bytes"],
      files: entries.map(({ source }) => source),
    }),
  );
  try {
    const { status, stdout, stderr } = spawnSync(command("node"), [
      packaged("typescript/bin/tsc"),
      "-p",
      CONFIG,
    ], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`tsc failed:\n${stdout}${stderr}`);
  } finally {
    rmSync(CONFIG, { force: true });
  }
  const { build } = await import("esbuild");
  await build({
    entryPoints: [`${root}offline/bytes/mod.ts`],
    outfile: `${OUT}/${STD_BYTES}.js`,
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
  renameSync(`${OUT}/offline/bytes/mod.d.ts`, `${OUT}/${STD_BYTES}.d.ts`);
  rmSync(`${OUT}/offline`, { recursive: true, force: true });
  for (const file of readdirSync(OUT, { recursive: true, encoding: "utf8" })) {
    if (/\.(js|d\.ts)$/.test(file)) relocate(file.replaceAll("\\", "/"));
  }
  writeMetadata(npmPackageJson(readDenoJson()));
}

/** Lets a file import what is in the package: types name `.ts` files, and @std is inside. */
function relocate(file: string): void {
  const up = "../".repeat(file.split("/").length - 1) || "./";
  const text = readFileSync(`${OUT}/${file}`, "utf8");
  const relocated = text
    .replaceAll(/((?:from|import) "|import\(")@std\/bytes"/g, `$1${up}${STD_BYTES}.js"`)
    .replaceAll(/((?:from|import) "|import\(")(\.{1,2}\/[^"]+)\.ts"/g, '$1$2.js"');
  if (relocated !== text) writeFileSync(`${OUT}/${file}`, relocated);
}

/** Says in each file where its types are: Deno does not look, when it imports JavaScript by path. */
function nameTypes(): void {
  for (const file of readdirSync(OUT, { recursive: true, encoding: "utf8" })) {
    const path = `${OUT}/${file}`;
    const types = path.replace(/\.js$/, ".d.ts");
    if (types === path || !existsSync(types)) continue;
    const text = readFileSync(path, "utf8");
    writeFileSync(path, `// @ts-self-types="./${basename(types)}"\n${text}`);
  }
}

/** Types that are Node's say so: TypeScript 7 knows of no others by itself. */
function nameNodesTypes(): void {
  for (const file of readdirSync(OUT, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = readFileSync(`${OUT}/${file}`, "utf8");
    if (!/(?:from |import\()"node:/.test(text)) continue;
    writeFileSync(`${OUT}/${file}`, `/// <reference types="node" />\n${text}`);
  }
}

/** Lets editors show examples that import this package, and not the one of JSR. */
function nameImports(): void {
  for (const file of readdirSync(OUT, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = readFileSync(`${OUT}/${file}`, "utf8");
    writeFileSync(`${OUT}/${file}`, npmTypes(text));
  }
}

const BUILDERS = { dnt: buildWithDnt, tsc: buildWithTsc };

const { values } = parseArgs({
  options: {
    with: { type: "string", default: "dnt" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
} else {
  try {
    const builder = values.with as keyof typeof BUILDERS;
    if (!Object.hasOwn(BUILDERS, builder)) {
      throw new Error(`--with must be dnt or tsc, not ${values.with}`);
    }
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT);
    await BUILDERS[builder](entryPoints(readDenoJson()));
    nameTypes();
    nameNodesTypes();
    nameImports();
    const files = filesOnTheWeb();
    for (const file of npmPapers(files)) {
      mkdirSync(dirname(`${OUT}/${file}`), { recursive: true });
      const text = readFileSync(`${root}${file}`, "utf8");
      writeFileSync(`${OUT}/${file}`, npmPaper(text, files, file));
    }
    for (const [name, source] of Object.entries(NPM_COPIES)) {
      copyFileSync(`${root}${source}`, `${OUT}/${name}`);
    }
    console.log(`npm/ built with ${builder}`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
