// What rows need besides this repository: it is installed when a row asks for it.
import process from "node:process";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { root } from "../../tools/runtimes.ts";

const FOLDER = `${root}bench/peers/`;
const tried = new Map<string, string | undefined>();

/** Installs a folder of bench/peers, once; returns why it could not. */
export function install(peer: string): string | undefined {
  if (!tried.has(peer)) tried.set(peer, tryInstall(peer));
  return tried.get(peer);
}

function tryInstall(peer: string): string | undefined {
  const folder = FOLDER + peer;
  if (existsSync(`${folder}/Cargo.toml`)) {
    if (spawnSync("cargo", ["--version"]).status !== 0) return "no cargo";
    console.error(`building bench/peers/${peer} (minutes, the first time)`);
    return run("cargo", ["build", "--release", "--quiet"], folder);
  }
  if (existsSync(`${folder}/node_modules`)) return undefined;
  console.error(`installing bench/peers/${peer}`);
  const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel", "error"];
  return run("npm", ["install", ...flags], folder);
}

function run(command: string, args: string[], cwd: string): string | undefined {
  const shell = process.platform === "win32";
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", shell });
  if (status === 0) return undefined;
  return `${command} failed: ${stderr?.trim().split("\n").at(-1) ?? ""}`;
}

/** The Nodes that `node24` and `node26` install. */
export const NODE24: string = `${FOLDER}node24/node_modules/node/bin/node`;
export const NODE26: string = `${FOLDER}node26/node_modules/node/bin/node`;

/** The program that `rust` builds. */
export const RUST: string = `${FOLDER}rust/target/release/peers`;
