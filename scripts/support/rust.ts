// The Rust programs of the interop tests, which stand on the published crates.
import { spawnSync } from "node:child_process";
import { root } from "../../tools/runtimes.ts";

/** Whether there is something to build it with. */
export function hasCargo(): boolean {
  return spawnSync("cargo", ["--version"]).status === 0;
}

/** Builds both programs, on the crates and on serde alone; returns whether that succeeded. */
export function buildRust(): boolean {
  return build("tests/interop/rust") && build("tests/interop/serde");
}

function build(folder: string): boolean {
  console.log(`building ${folder} (minutes, the first time)`);
  const manifest = `${root}${folder}/Cargo.toml`;
  const args = ["build", "--release", "--quiet", "--manifest-path", manifest];
  return spawnSync("cargo", args, { stdio: "inherit" }).status === 0;
}
