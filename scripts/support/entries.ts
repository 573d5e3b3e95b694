// The lists that name every entry point. deno.json's is the one that people write; jsr.json and
// the paths of tsconfig.json are made from it, and the others say something of each, so they are
// compared with it.
import { readFileSync } from "node:fs";
import { BUDGETS } from "./sizes.ts";
import { readDenoJson } from "./npm_package.ts";
import { root } from "../../tools/runtimes.ts";

/** A file, and what has to be in it. */
export interface Written {
  readonly file: string;
  readonly text: string;
}

/** jsr.json and tsconfig.json, as they follow from deno.json. */
export function generated(): Written[] {
  const { name, version, license, exports } = readDenoJson();
  const tsconfig = JSON.parse(readFileSync(`${root}tsconfig.json`, "utf8"));
  const { paths, ...options } = tsconfig.compilerOptions;
  const others = Object.entries(paths).filter(([path]) =>
    path !== name && !path.startsWith(`${name}/`)
  );
  const own = Object.entries(exports).map(([entry, source]) => [name + entry.slice(1), [source]]);
  return [
    { file: "jsr.json", text: toText({ name, version, license, exports }) },
    {
      file: "tsconfig.json",
      text: toText({
        ...tsconfig,
        compilerOptions: { ...options, paths: Object.fromEntries([...others, ...own]) },
      }),
    },
  ];
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The entry points that a list leaves out, and those that it has too many. */
export function differences(): string[] {
  const { name, exports } = readDenoJson();
  const read = (file: string) => readFileSync(root + file, "utf8");
  const found = (file: string, pattern: RegExp) =>
    [...read(file).matchAll(pattern)].map(([, entry]) => `.${entry}`);
  const lists: Record<string, string[]> = {
    "scripts/support/sizes.ts, BUDGETS": Object.keys(BUDGETS),
    "README.md, Entry points": found("README.md", RegExp(`^\\| \`${name}([^\` ]*)\``, "gm")),
    "tests/security/permissions_test.ts, USES": found(
      "tests/security/permissions_test.ts",
      /^ {2}"\.([^",]*)(?:,[^"]*)?": \{/gm,
    ),
  };
  return Object.entries(lists).flatMap(([list, entries]) => [
    ...Object.keys(exports).filter((entry) => !entries.includes(entry))
      .map((entry) => `${list}: ${entry} is missing`),
    ...[...new Set(entries)].filter((entry) => !(entry in exports))
      .map((entry) => `${list}: ${entry} is no entry point`),
  ]);
}
