// The runtime of Cloudflare Workers, installed when it is asked for and not before: as a
// dependency its command would stand in the way of Deno.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { bundle } from "./bundle.ts";
import { root } from "../../tools/runtimes.ts";

const VERSION = "1.20261117.1";
/** Below node_modules, which git does not look into. */
const FOLDER = `${root}node_modules/.cache/workerd-${VERSION}/`;

/** Where the program is; `undefined` if it has not been installed. */
export function findWorkerd(): string | undefined {
  const name = { darwin: "darwin", linux: "linux", win32: "windows" }[process.platform as string];
  const cpu = process.arch === "arm64" ? "arm64" : "64";
  const file = process.platform === "win32" ? "workerd.exe" : "workerd";
  const path = `${FOLDER}node_modules/@cloudflare/workerd-${name}-${cpu}/bin/${file}`;
  return existsSync(path) ? path : undefined;
}

/** Installs it if it is missing. Returns why it could not, if so. */
export function installWorkerd(): string | undefined {
  if (findWorkerd()) return undefined;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, JSON.stringify({ private: true }));
  const { status, stderr, error } = spawnSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", `workerd@${VERSION}`],
    { cwd: FOLDER, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) {
    const told = /^npm error .*Error: (.*)$/m.exec(stderr)?.[1];
    return `npm cannot install workerd: ${error ?? told ?? stderr}`;
  }
  return findWorkerd() ? undefined : `workerd has no program for ${process.platform}`;
}

/** Bundles a worker; `alias` puts files in the place of modules. */
export function bundleWorker(
  entry: string,
  alias: Readonly<Record<string, string>> = {},
  minify = false,
): Promise<Uint8Array> {
  const conditions = ["workerd", "worker"];
  return bundle(entry, { alias, conditions, external: ["cloudflare:*"], minify });
}
