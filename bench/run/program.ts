// A server or a client of a row, as a process that is told what to do line by line.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { root } from "../../scripts/support/runtimes.ts";
import { RAISED } from "./system.ts";

/** How long a program may say nothing before it is given up. */
const PATIENCE_MS = 60_000;

export class Program {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #rest = "";
  #said = "";
  #over = false;
  #wake: () => void = () => {};

  constructor(words: readonly string[]) {
    const [command, ...args] = [...RAISED, ...words];
    const stdio = ["pipe", "pipe", "pipe"] as const;
    this.#child = spawn(command!, args, { cwd: root, stdio: [...stdio] });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#wake();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-2000);
    });
    this.#child.stdin!.on("error", () => {});
    const end = () => {
      this.#over = true;
      this.#wake();
    };
    this.#child.on("error", end).on("close", end);
  }

  say(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** The next line, without this beginning; throws if it is another one. */
  async hear(beginning: string): Promise<string> {
    const patience = setTimeout(() => this.kill(), PATIENCE_MS);
    while (this.#lines.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    clearTimeout(patience);
    const line = this.#lines.shift();
    if (line?.startsWith(beginning)) return line.slice(beginning.length).trim();
    throw new Error(line ?? `It ended: ${this.#said.trim().split("\n").slice(0, 6).join(" | ")}`);
  }

  /** Microseconds of processor time so far, of all its threads; NaN where that is not known. */
  get cpu(): number {
    let nanoseconds = 0;
    for (const thread of this.#threads()) {
      // One that has ended meanwhile has nothing to read.
      nanoseconds += Number(this.#proc(`task/${thread}/schedstat`).split(" ")[0]);
    }
    return nanoseconds > 0 ? nanoseconds / 1000 : NaN;
  }

  /** Bytes of memory that the process has now. */
  get memory(): number {
    return this.#status("VmRSS");
  }

  /** The most bytes of memory that it had since {@linkcode forgetPeak}. */
  get peak(): number {
    return this.#status("VmHWM");
  }

  forgetPeak(): void {
    try {
      writeFileSync(`/proc/${this.#child.pid}/clear_refs`, "5");
    } catch {
      // Not on this system: there is no peak either.
    }
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #threads(): string[] {
    try {
      return readdirSync(`/proc/${this.#child.pid}/task`);
    } catch {
      return [];
    }
  }

  #status(name: string): number {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(this.#proc("status"))?.[1]) * 1024;
  }

  #proc(file: string): string {
    try {
      return readFileSync(`/proc/${this.#child.pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  }
}
