// The score that JSR will give the package, as far as it can be computed before publishing.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { readDenoJson } from "./support/npm_package.ts";
import { command, root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run score

Prints, item by item, the points that JSR will give. Points for settings on the package's
page (description, runtimes) and for provenance, which the release workflow provides, are
listed but not counted. Exits with 1 if a point that depends on the source is missing, or
if any public symbol is undocumented.`;

interface Place {
  readonly filename: string;
  readonly line: number;
}

/** A name that two entry points export is written out once, and then refers to that place. */
interface Declaration {
  readonly declarationKind: string;
  readonly location: Place;
  readonly jsDoc?: unknown;
  readonly def?: { readonly target?: Place };
}

/** What is used of the output of \`deno doc --json\`. */
interface Doc {
  readonly nodes: Readonly<
    Record<string, {
      readonly module_doc?: { readonly doc?: string };
      readonly symbols: readonly {
        readonly name: string;
        readonly declarations: readonly Declaration[];
      }[];
    }>
  >;
}

function deno(args: readonly string[]): { status: number | null; stdout: string } {
  return spawnSync(command("deno"), [...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_COLOR: "1" },
  });
}

let missing = 0;

function item(name: string, points: number, of: number): void {
  console.log(`${points === of ? "ok    " : "FAILED"} ${points}/${of}  ${name}`);
  missing += of - points;
}

function score(): void {
  const entries = Object.values(readDenoJson().exports);
  const { status, stdout } = deno(["doc", "--json", ...entries]);
  if (status !== 0) throw new Error("deno doc --json failed");
  const modules = Object.entries((JSON.parse(stdout) as Doc).nodes);
  if (modules.length !== entries.length) {
    throw new Error(`deno doc told of ${modules.length} entry points, not ${entries.length}`);
  }
  const without = modules.filter(([, { module_doc }]) => !module_doc?.doc).map(([file]) => file);
  const symbols = modules.flatMap(([file, { symbols }]) =>
    symbols.flatMap(({ name, declarations }) =>
      declarations
        .filter(({ declarationKind }) => declarationKind !== "private")
        .map(({ location, jsDoc, def }) => ({ name: `${file}: ${name}`, location, jsDoc, def }))
    )
  );
  const at = ({ filename, line }: Place) => `${filename}:${line}`;
  const documented = symbols.filter(({ jsDoc }) => jsDoc !== undefined);
  const places = new Set(documented.map(({ location }) => at(location)));
  const bare = symbols
    .filter(({ jsDoc, def }) => !jsDoc && !(def?.target && places.has(at(def.target))))
    .map(({ name }) => name);
  // JSR counts a reference as not documented, even if what it refers to is.
  const share = documented.length / symbols.length;
  const readme = readFileSync(`${root}README.md`, "utf8");

  item("README", readme ? 2 : 0, 2);
  item("an example in the README", readme.includes("```ts") ? 1 : 0, 1);
  item("a module doc in every entry point", without.length === 0 ? 1 : 0, 1);
  for (const place of without) console.log(`         ${place}`);
  const percent = `${(share * 100).toFixed(1)} % as JSR counts, where 80 % is enough`;
  item(`documented symbols: ${percent}`, Math.floor(Math.min(share / 0.8, 1) * 5), 5);
  console.log(
    `${bare.length === 0 ? "ok    " : "FAILED"}      of ${symbols.length} public names, ` +
      `${bare.length} have no documentation`,
  );
  for (const name of bare) console.log(`         ${name}`);
  const fast = deno(["publish", "--dry-run", "--allow-dirty"]).status === 0;
  item("no slow types", fast ? 5 : 0, 5);
  console.log("later  0/1  description: set on the package's page");
  console.log("later  0/2  runtimes, one and several: set on the package's page");
  console.log("later  0/1  provenance: needs the release workflow");
  console.log(`${14 - missing} of the 14 points that depend on the source`);
  if (missing > 0 || bare.length > 0) process.exitCode = 1;
}

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  try {
    score();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
