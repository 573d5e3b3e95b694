// What Deno has behind a flag: the suites that need it, in a process that has it.
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { runtime, unstableNet } from "../support/runtime.ts";

const FILES = [
  "tests/quic/conformance_test.ts",
  "tests/conformance/websocket_test.ts",
  "tests/conformance/deno_test.ts",
];
const skip = runtime !== "deno"
  ? "it is a flag of Deno"
  : unstableNet
  ? "the flag is set already"
  : undefined;

test("deno --unstable-net: QUIC, WebSocketStream and shared ports pass the conformance suite", {
  skip,
}, async () => {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["test", "-A", "--unstable-net", ...FILES];
  const { failed, said } = await new Promise<{ failed: boolean; said: string }>((resolve) => {
    const env = { ...process.env, NO_COLOR: "1" };
    execFile(process.execPath, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, said: stdout + stderr });
    });
  });
  assertEquals(failed, false, said);
  for (const name of ["quic stream", "websocket, stream", "deno, tcp options: a port is shared"]) {
    assertEquals(
      new RegExp(`^${name}.* \\.\\.\\. ok`, "m").test(said),
      true,
      `${name} did not run`,
    );
  }
});
