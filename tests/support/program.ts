import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "./runtime.ts";
import { within } from "./within.ts";

/** Starting takes its time on a busy machine; nothing that is waited for here takes that long. */
const LIMIT_MS = 60_000;

const FLAGS = { deno: ["run", "-A", "--quiet"], bun: ["run"], node: ["--import", "tsx"] };
const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program of this repository, run by the runtime that runs the test. Disposing of it kills it. */
export class Program implements AsyncDisposable {
  /** What it has printed, errors too. */
  said = "";
  readonly #file: string;
  readonly #ended: Promise<string | number | null>;
  readonly #child: ChildProcess;
  #over = false;
  #onChange: () => void = () => {};

  /**
   * `ownGroup` lets a signal reach it with all its children, as from a terminal; `env`
   * is added to what is in the environment, `flags` to those of the runtime.
   */
  constructor(
    file: string,
    args: string[] = [],
    { ownGroup = false, env = {}, flags = [] }: {
      ownGroup?: boolean;
      env?: Record<string, string>;
      flags?: string[];
    } = {},
  ) {
    const child = spawn(process.execPath, [...FLAGS[runtime], ...flags, file, ...args], {
      cwd: root,
      stdio: "pipe",
      detached: ownGroup,
      env: { ...process.env, ...env },
    });
    this.#file = file;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.said += text;
        this.#onChange();
      });
    }
    this.#ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        resolve(signal ?? code);
        this.#over = true;
        this.#onChange();
      });
    });
  }

  /** The signal that ends it, or its exit code: waited for from now on, not since it runs. */
  get ended(): Promise<string | number | null> {
    return within(LIMIT_MS, this.#ended, `the end of ${this.#file}`);
  }

  /** Waits until what it has printed matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.said);
      if (match) return match;
      if (this.#over) throw new Error(`It ended without ${pattern}: ${this.said}`);
      const change = new Promise<void>((resolve) => this.#onChange = resolve);
      await within(LIMIT_MS, change, `${pattern} in ${JSON.stringify(this.said)}`);
    }
  }

  /** Where it listens, as it prints. */
  async listening(): Promise<{ address: string; port: number }> {
    const [, address] = await this.until(/^listening (\S+)\n/m);
    return { address: address!, port: Number(address!.split(":").at(-1)) };
  }

  /** Types a line for it. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Types no more. */
  endInput(): void {
    this.#child.stdin!.end();
  }

  kill(signal: NodeJS.Signals): void {
    // After the child's own `kill`, Deno takes every end for one by that signal.
    process.kill(this.#child.pid!, signal);
  }

  /** Sends a signal to it and all its children, if it has a group of its own. */
  killAll(signal: NodeJS.Signals): void {
    process.kill(-this.#child.pid!, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.kill("SIGKILL");
    await this.ended;
  }
}
