// The Rust program of the interop tests, which stands on the published crates.
import { spawnSync } from "node:child_process";
import { root } from "./runtimes.ts";

/** Whether there is something to build it with. */
export function hasCargo(): boolean {
  return spawnSync("cargo", ["--version"]).status === 0;
}

/** Builds tests/interop/rust; returns whether that succeeded. */
export function buildRust(): boolean {
  console.log("building tests/interop/rust (minutes, the first time)");
  const manifest = `${root}tests/interop/rust/Cargo.toml`;
  const args = ["build", "--release", "--quiet", "--manifest-path", manifest];
  return spawnSync("cargo", args, { stdio: "inherit" }).status === 0;
}
