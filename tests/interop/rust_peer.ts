// Starts the Rust program of this folder, as a server or as a client.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Program } from "../../tools/program.ts";

const PROGRAM = fileURLToPath(new URL("rust/target/release/interop", import.meta.url));

/** Why there is no Rust program, if there is none. */
export const noRust: string | undefined = existsSync(PROGRAM)
  ? undefined
  : "needs the Rust program: npm run interop builds it";

/** A running Rust echo server. */
export interface RustServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Resolves once what the server has printed matches. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts a server of the Rust crates on a port of its own: that of the echo, or another. */
export async function rustServer(
  flags: readonly string[] = [],
  what = "server",
): Promise<RustServer> {
  const program = new Program([PROGRAM, what, ...flags], { passErrors: true });
  const [, port] = await program.until(/^listening .*:(\d+)\n/m);
  return {
    hostname: "127.0.0.1",
    port: Number(port),
    printed: async (pattern) => void await program.until(pattern),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Runs one case of a Rust client; rejects with what it said if it failed. */
export async function rustClient(
  port: number,
  name: string,
  flags: readonly string[] = [],
  what = "client",
): Promise<void> {
  const words = [PROGRAM, what, `127.0.0.1:${port}`, name, ...flags];
  await using program = new Program(words, { patience: Infinity });
  if (await program.ended !== 0) throw new Error(program.said);
}
