// The example's client goes on when one of its two servers is killed.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runtime } from "../../support/runtime.ts";
import { deferred, soon } from "../../support/within.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const FLAGS = { deno: ["run", "-A", "--quiet"], bun: ["run"], node: ["--import", "tsx"] };
/** An example that runs, and what it has said. */
class Running {
  readonly child: ChildProcess;
  said = "";
  readonly ended: Promise<void>;
  over = false;
  #changed = deferred();

  constructor(file: string, ...args: string[]) {
    this.child = spawn(process.execPath, [...FLAGS[runtime], `examples/${file}`, ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.said += text;
      this.#change();
    });
    this.ended = new Promise((resolve) => this.child.on("close", () => resolve()));
    this.ended.then(() => {
      this.over = true;
      this.#change();
    });
  }

  /** Waits until it has said this. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.said);
      if (match) return match;
      assertEquals(this.child.exitCode, null, `It has ended: ${this.said}`);
      await soon(this.#changed.promise, `${pattern} after ${this.said}`);
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    // After the child's own `kill`, Deno takes every end for one by that signal.
    process.kill(this.child.pid!, signal);
    await this.ended;
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = deferred();
    resolve();
  }
}

// Windows has no SIGTERM to send: there it ends a program at once.
const signals = process.platform === "win32"
  ? ["SIGKILL"] as const
  : ["SIGKILL", "SIGTERM"] as const;
for (const signal of signals) {
  test(`the example's client goes on when one of its servers gets ${signal}`, async () => {
    const servers = [1, 2].map(() => new Running("proto/server.ts", "127.0.0.1:0"));
    try {
      const addresses = [];
      for (const server of servers) addresses.push((await server.until(/listening (\S+)/))[1]!);
      const client = new Running("pool/client.ts", ...addresses, "--seconds", "3");
      for (const address of addresses) await client.until(new RegExp(`connected to ${address}`));
      await servers[0]!.kill(signal);
      if (signal === "SIGTERM") await client.until(new RegExp(`${addresses[0]} is going away`));
      await client.until(new RegExp(`${addresses[0]} rests for \\d+ ms: TransportError`));
      await soon(client.ended, "the client's end");
      assertEquals(client.child.exitCode, 0);
      assertMatch(client.said, /\d+ answered; \d of 4 connected/);
      // Lines with calls that were not answered name another outcome beside.
      const lines = client.said.split("\n").filter((line) => line.endsWith("connected"));
      assert(lines.every((line) => /^\d+ answered; /.test(line)), client.said);
    } finally {
      for (const server of servers) if (!server.over) await server.kill();
    }
  });
}
