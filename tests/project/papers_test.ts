// What the documentation mentions exists: linked files and headings, source files, commands.
import { assert, assertEquals } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");
const json = (file: string) => JSON.parse(read(file));

const papers = [
  ...readdirSync(root),
  ...readdirSync(`${root}docs`).map((name) => `docs/${name}`),
].filter((file) => file.endsWith(".md"));

/** What a pattern's first group matches in each paper, as [paper, match]. */
function named(pattern: RegExp): [paper: string, name: string][] {
  return papers.flatMap((paper) =>
    [...read(paper).matchAll(pattern)].map(([, name]): [string, string] => [paper, name!])
  );
}

/** The anchors of a paper's headings, as GitHub makes them. */
function anchors(paper: string): string[] {
  return [...read(paper).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

test("links within the repository lead somewhere", () => {
  const links = named(/\]\((?!https?:)([^)\s]+)\)/g);
  const dead = links.filter(([paper, link]) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? paper : join(dirname(paper), path);
    if (!existsSync(root + target)) return true;
    return anchor !== undefined && !anchors(target).includes(anchor);
  });
  assertEquals(dead, []);
  assert(links.length > 50);
});

test("source files that are mentioned exist", () => {
  const src = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .map((name) => `/src/${name.replaceAll("\\", "/")}`);
  const missing = named(/`([a-z0-9_/]+\.ts)`/g).filter(([, name]) =>
    // `_x.ts` stands for any.
    name !== "_x.ts" && !existsSync(root + name) && !src.some((file) => file.endsWith(`/${name}`))
  );
  assertEquals(missing, []);
});

test("the migration guides mention only names that exist", () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"));
  const source = new Set(files.flatMap((file) => read(`src/${file}`).match(/[A-Za-z_]\w*/g) ?? []));
  for (const from of ["rust", "grpc", "websocket"]) {
    // In the last column of their tables.
    const rows = read(`docs/from-${from}.md`).match(/^\|.*\|$/gm)!.slice(2);
    const code = rows.flatMap((row) => row.split("|").at(-2)!.match(/`[^`]+`/g) ?? []);
    const names = code.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []);
    assertEquals(names.filter((name) => !source.has(name)), [], from);
    assert(names.length > 20);
  }
});

test("programs and tests in commands exist", () => {
  const files = named(/\b((?:bench|examples|scripts|tests)\/[a-z0-9_/]+\.ts)\b/g);
  assertEquals(files.filter(([, file]) => !existsSync(root + file)), []);
  assert(files.length > 10);
});

test("npm and deno commands that are mentioned exist", () => {
  const { scripts } = json("package.json");
  const { tasks } = json("deno.json");
  const missing = [
    ...named(/\bnpm run (?:--silent )?([a-z][a-z:]*)/g).filter(([, name]) => !(name in scripts)),
    ...named(/\bdeno task ([a-z][a-z:]*)/g).filter(([, name]) => !(name in tasks)),
  ];
  assertEquals(missing, []);
});
