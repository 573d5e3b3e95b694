// What the npm package is, whichever builder makes it: its entry points and its package.json.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { root } from "../../tools/runtimes.ts";

/** The package's name on npm. */
export const NPM_NAME = "protosocket";
/** The description on npm and on JSR, which allows at most 250 characters. */
export const DESCRIPTION: string =
  "Messages and RPCs over TCP, TLS, Unix sockets, WebSockets or any " +
  "other pair of byte streams. Fast, with backpressure and bounds; wire-compatible with the " +
  "Rust crates protosocket 2.x.";
/** What is in every package beside the code. */
const PAPERS = ["README.md", "LICENSE", "CHANGELOG.md"];
/** What the README leads to. */
const guides = (): string[] => [
  "SECURITY.md",
  // Without what is for who works on this repository, and without plots, which are its greater part.
  ...readdirSync(`${root}docs`).filter((name) => name.endsWith(".md") && name !== "offline.md")
    .map((name) => `docs/${name}`),
];

/**
 * All papers of the package. Guides are read on the web, at this version, if `files` says where.
 * A package that cannot say where they are has them, an eighth of its size.
 */
export function npmPapers(files: string | undefined): string[] {
  return files === undefined ? [...PAPERS, ...guides()] : PAPERS;
}

/** What else goes into it, for who generates code of it: where it is there, and here. */
export const NPM_COPIES: Readonly<Record<string, string>> = {
  "services.proto": "src/services/services.proto",
};
const KEYWORDS = [
  ...["protosocket", "rpc", "socket", "tcp", "tls", "websocket", "streams", "backpressure"],
  ...["framing", "protobuf", "messagepack", "deno", "bun", "cloudflare-workers"],
];
/** Packages that an entry point stands on: who uses that entry point installs them. */
export const OPTIONAL_PEERS: readonly string[] = ["@bufbuild/protobuf", "@opentelemetry/api", "ws"];

interface DenoJson {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads deno.json, which is where the version and the entry points are written down. */
export function readDenoJson(): DenoJson {
  return JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
}

/** An entry point: `./rpc`, its source, and its file in the package, without the extension. */
export interface EntryPoint {
  readonly name: string;
  readonly source: string;
  readonly output: string;
}

/** The entry points that deno.json exports. */
export function entryPoints({ exports }: Pick<DenoJson, "exports">): EntryPoint[] {
  return Object.entries(exports).map(([name, source]) => ({
    name,
    source,
    output: source.replace(/^\.\/(.*)\.ts$/, "$1"),
  }));
}

/** The package.json of the npm package, whose entry points a builder puts into `folder`. */
export function npmPackageJson(
  deno: DenoJson,
  folder = ".",
  env: Env = process.env,
  remote: string = remoteOfClone(),
): Record<string, unknown> {
  const exports = entryPoints(deno).map(({ name, output }) => [
    name,
    { types: `${folder}/${output}.d.ts`, default: `${folder}/${output}.js` },
  ]);
  const peers = OPTIONAL_PEERS.map((name) => [name, rangeOf(deno.imports[name]!)]);
  return {
    name: NPM_NAME,
    version: deno.version,
    description: DESCRIPTION,
    keywords: KEYWORDS,
    license: deno.license,
    homepage: `https://jsr.io/${deno.name}`,
    ...repository(env, remote),
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    peerDependencies: Object.fromEntries(peers),
    peerDependenciesMeta: Object.fromEntries(
      OPTIONAL_PEERS.map((name) => [name, { optional: true }]),
    ),
  };
}

/** The environment's variables. */
type Env = Readonly<Record<string, string | undefined>>;

/** Where the source is, and which version of it this is. */
interface Source {
  readonly url: string;
  readonly version: string;
}

/**
 * Where the source is. The workflow of the release tells, and npm gives provenance only if it is
 * the repository that this runs in. Elsewhere the clone's remote tells, if it is on the web.
 */
function sourceOf(env: Env, remote: string): Source | undefined {
  if (env.GITHUB_SERVER_URL && env.GITHUB_REPOSITORY) {
    const url = `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}`;
    return { url, version: env.GITHUB_REF_NAME ?? "HEAD" };
  }
  // Not a user's name or a token, which may be in the address of a clone.
  const match = /^(?:https:\/\/|ssh:\/\/|)(?:[^@/]+@)?([\w-]+(?:\.[\w-]+)+)[:/](.+?)(?:\.git)?\/?$/
    .exec(remote.trim());
  return match ? { url: `https://${match[1]}/${match[2]}`, version: "HEAD" } : undefined;
}

/** The address that this was cloned from; empty if there is none. */
function remoteOfClone(): string {
  return spawnSync("git", ["remote", "get-url", "origin"], { cwd: root, encoding: "utf8" })
    .stdout ?? "";
}

function repository(env: Env, remote: string): Record<string, unknown> {
  const source = sourceOf(env, remote);
  if (!source) return {};
  const { url } = source;
  return { repository: { type: "git", url: `git+${url}.git` }, bugs: `${url}/issues` };
}

/** Where the files of the repository can be read, if that is known. */
export function filesOnTheWeb(
  env: Env = process.env,
  remote: string = remoteOfClone(),
): string | undefined {
  const source = sourceOf(env, remote);
  return source && `${source.url}/blob/${source.version}`;
}

/** The range in `npm:@scope/name@range`. */
function rangeOf(specifier: string): string {
  return specifier.slice(specifier.lastIndexOf("@") + 1);
}
