// What is published: on JSR and on npm the same version, entry points and license.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import {
  DESCRIPTION,
  entryPoints,
  filesOnTheWeb,
  npmPackageJson,
  npmPapers,
  readDenoJson,
} from "../../scripts/support/npm_package.ts";
import { examplesOf } from "../../scripts/support/doc_examples.ts";
import { differences, generated } from "../../scripts/support/entries.ts";
import { npmPaper, npmTypes } from "../../scripts/support/npm_readme.ts";
import { root } from "../../tools/runtimes.ts";

/** The name that is imported on JSR, and in the source. */
const NAME = "@protosocket/protosocket";
const json = (file: string) => JSON.parse(readFileSync(root + file, "utf8"));

test("the npm package has the version, license and entry points of jsr.json", () => {
  const jsr = json("jsr.json");
  const npm = npmPackageJson(readDenoJson());
  const { "./package.json": _, ...exports } = npm.exports as Record<string, unknown>;
  assertEquals(Object.keys(exports), Object.keys(jsr.exports));
  assertEquals([npm.version, npm.license], [jsr.version, jsr.license]);
  assertEquals([npm.name, jsr.name], ["protosocket", "@protosocket/protosocket"]);
});

test("every entry point of the npm package has types and a default, in this order", () => {
  const exports = npmPackageJson(readDenoJson()).exports as Record<string, object>;
  for (const { name, output } of entryPoints(readDenoJson())) {
    assertEquals(Object.entries(exports[name]!), [
      ["types", `./${output}.d.ts`],
      ["default", `./${output}.js`],
    ]);
  }
});

test("the npm package names the repository that a workflow builds it in", () => {
  const env = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "an-owner/a-name" };
  const { repository, bugs } = npmPackageJson(readDenoJson(), ".", env);
  assertEquals(repository, { type: "git", url: "git+https://github.com/an-owner/a-name.git" });
  assertEquals(bugs, "https://github.com/an-owner/a-name/issues");
});

test("the npm package names the repository that this was cloned from, if it is on the web", () => {
  const of = (remote: string) => {
    const { repository } = npmPackageJson(readDenoJson(), ".", {}, remote);
    return (repository as { url?: string } | undefined)?.url;
  };
  const url = "git+https://example.com/an-owner/a-name.git";
  for (
    const remote of [
      "https://example.com/an-owner/a-name.git",
      "https://example.com/an-owner/a-name\n",
      "https://me:secret@example.com/an-owner/a-name.git",
      "git@example.com:an-owner/a-name.git",
      "ssh://git@example.com/an-owner/a-name.git",
    ]
  ) assertEquals(of(remote), url, remote);
  for (const remote of ["", "/srv/a-name", "../a-name", "file:///srv/a-name"]) {
    assertEquals(of(remote), undefined, remote);
  }
});

test("npm's papers name the package as it is there, and link to nothing that is not", () => {
  const readme = readFileSync(`${root}README.md`, "utf8");
  const files = filesOnTheWeb({
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "a/b",
    GITHUB_REF_NAME: "v1.2.3",
  });
  for (const where of [files, undefined]) {
    const papers = npmPapers(where);
    for (const paper of papers) {
      const text = npmPaper(readFileSync(root + paper, "utf8"), where, paper);
      assertEquals(text.match(/@protosocket\/protosocket|jsr:/g), null, paper);
      const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!);
      const dead = links.filter((target) =>
        !/^(#|https:)/.test(target) &&
        !papers.includes(posix.join(posix.dirname(paper), target.replace(/#.*/, "")))
      );
      assertEquals(dead, [], paper);
    }
  }
  const linked = npmPaper(readme, files);
  assertMatch(linked, /\]\(https:\/\/github\.com\/a\/b\/blob\/v1\.2\.3\/docs\/options\.md\)/);
  // Where nobody can say where they are on the web, they are in the package.
  assertMatch(npmPaper(readme, undefined), /\[all guides\]\(docs\/README\.md\)/);
  assertMatch(linked, /`npm install protosocket`/);
  assertMatch(linked, /`deno add npm:protosocket`/);
  assertMatch(linked, /from "protosocket\/rpc"/);
});

test("the examples of the npm package's types import that package", () => {
  const source = readFileSync(`${root}src/telemetry/otel.ts`, "utf8");
  const types = npmTypes(source);
  assertEquals(types.match(/from "@protosocket/), null);
  assertMatch(types, /import \{ json \} from "protosocket\/json";/);
  // The name that tracers and meters have is another matter.
  assertMatch(types, /getMeter\("@protosocket\/protosocket"\)/);
});

test("what follows from deno.json's list of entry points is up to date: npm run entries", () => {
  for (const { file, text } of generated()) assertEquals(readFileSync(root + file, "utf8"), text);
});

test("no list of entry points lacks one", () => assertEquals(differences(), []));

test("an example in the published types imports what its reader has: entry points, packages", () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .map((name) => `src/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts"));
  const own = Object.keys(json("deno.json").exports).map((name) => NAME + name.slice(1));
  const wrong = ["mod.ts", ...sources].flatMap((file) =>
    examplesOf(file).flatMap(({ code }) =>
      [...code.matchAll(/(?:from|import) "([^"]+)"/g)]
        .map(([, name]) => name!)
        .filter((name) => name.startsWith(NAME) ? !own.includes(name) : /^[./]/.test(name))
        .map((name) => `${file}: ${name}`)
    )
  );
  assertEquals(wrong, []);
});

test("the description fits JSR", () => assert(DESCRIPTION.length <= 250));

test("what an entry point imports from npm is an optional peer", () => {
  const { peerDependencies, peerDependenciesMeta } = npmPackageJson(readDenoJson());
  const peers = Object.keys(peerDependencies as object);
  assertEquals(peers, ["@bufbuild/protobuf", "@opentelemetry/api", "ws"]);
  assertEquals(
    peerDependenciesMeta,
    Object.fromEntries(peers.map((name) => [name, { optional: true }])),
  );
});

test("only the library and its documentation are published", () => {
  const { include } = json("deno.json").publish;
  const others = include.filter((path: string) =>
    !/^(mod\.ts|src\/\*\*\/\*\.(ts|proto)|(deno|jsr)\.json|(README|CHANGELOG)\.md|LICENSE)$/.test(
      path,
    )
  );
  assertEquals(others, []);
});
