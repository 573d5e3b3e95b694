// Starts the Rust program of this folder, as a server or as a client.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("rust/target/release/interop", import.meta.url));

/** Why there is no Rust program, if there is none. */
export const noRust: string | undefined = existsSync(PROGRAM)
  ? undefined
  : "needs the Rust program: npm run interop builds it";

/** A running Rust echo server. */
export interface RustServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Resolves once the server has printed this line, or one that matches. */
  printed(line: string | RegExp): Promise<void>;
}

/** Starts a server of the Rust crates on a port of its own: that of the echo, or another. */
export async function rustServer(
  flags: readonly string[] = [],
  what = "server",
): Promise<RustServer> {
  const child = spawn(PROGRAM, [what, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = new Lines(child);
  const first = await lines.find((line) => line.startsWith("listening "));
  const port = Number(first.slice(first.lastIndexOf(":") + 1));
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    hostname: "127.0.0.1",
    port,
    printed: async (line) =>
      void await lines.find((printed) =>
        typeof line === "string" ? printed === line : line.test(printed)
      ),
    [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      return gone;
    },
  };
}

/** Runs one case of a Rust client; rejects with what it said if it failed. */
export function rustClient(
  port: number,
  name: string,
  flags: readonly string[] = [],
  what = "client",
): Promise<void> {
  const child = spawn(PROGRAM, [what, `127.0.0.1:${port}`, name, ...flags]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => said += text);
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => code === 0 ? resolve() : reject(new Error(said)));
  });
}

/** What a program prints, line by line. */
class Lines {
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(child: ChildProcess) {
    let rest = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      this.#lines.push(...parts);
      this.#wake();
    });
    child.on("error", () => this.#end());
    child.on("close", () => this.#end());
  }

  async find(matches: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.#lines.find(matches);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`The Rust program ended; it said: ${this.#lines}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
