// A program of this repository as a process, heard line by line.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { root } from "./runtimes.ts";

/** Starting takes its time on a busy machine; nothing that is waited for here takes that long. */
const PATIENCE_MS = 60_000;

export interface ProgramOptions {
  /** What is added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether a signal can reach it with all its children, as from a terminal; default not. */
  readonly ownGroup?: boolean;
  /** Whether its errors go where this program's go, instead of into `said`; default not. */
  readonly passErrors?: boolean;
  /** Milliseconds that one wait for it may take; default a minute. */
  readonly patience?: number;
}

/** A process that was started with words. Disposing of it kills it. */
export class Program implements AsyncDisposable {
  /** What it has printed, errors too. */
  said = "";
  readonly #words: readonly string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<string | number | null>;
  readonly #patience: number;
  /** Lines that it has printed and nobody has taken. */
  readonly #lines: string[] = [];
  #rest = "";
  #over = false;
  #onChange: () => void = () => {};

  constructor(
    words: readonly string[],
    { env = {}, ownGroup = false, passErrors = false, patience = PATIENCE_MS }: ProgramOptions = {},
  ) {
    const [command, ...args] = words;
    const child = spawn(command!, args, {
      cwd: root,
      stdio: ["pipe", "pipe", passErrors ? "inherit" : "pipe"],
      detached: ownGroup,
      env: { ...process.env, ...env },
    });
    this.#words = words;
    this.#child = child;
    this.#patience = patience;
    const say = (text: string) => {
      this.said += text;
      this.#onChange();
    };
    child.stderr?.setEncoding("utf8").on("data", say);
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.#lines.push(...lines);
      say(text);
    });
    // What is typed for one that has ended is lost.
    child.stdin!.on("error", () => {});
    this.#ended = new Promise((resolve) => {
      const end = (how: string | number | null) => {
        resolve(how);
        this.#over = true;
        this.#onChange();
      };
      child.on("error", ({ message }) => (this.said += message, end(message)));
      child.on("close", (code, signal) => end(signal ?? code));
    });
  }

  /** The process's number. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The signal that ends it, or its exit code: waited for from now on, not since it runs. */
  get ended(): Promise<string | number | null> {
    return this.#patiently(this.#ended, "end");
  }

  /** The next line of its output; `undefined` if it has ended without one. */
  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#over) await this.#change("line");
    return this.#lines.shift();
  }

  /** Waits until what it has printed matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.said);
      if (match) return match;
      if (this.#over) throw new Error(`It ended without ${pattern}: ${this.said}`);
      await this.#change(`match of ${pattern}`);
    }
  }

  /** Types a line for it. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Types no more. */
  endInput(): void {
    this.#child.stdin!.end();
  }

  /** Sends a signal to it, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    try {
      // After the child's own `kill`, Deno takes every end for one by that signal.
      if (!this.#over) process.kill(this.pid, signal);
    } catch {
      // It ended a moment ago, which is about to be told.
    }
  }

  /** Sends a signal to it and all its children, if it has a group of its own. */
  killAll(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }

  #change(what: string): Promise<void> {
    return this.#patiently(new Promise((resolve) => this.#onChange = resolve), what);
  }

  #patiently<T>(promise: Promise<T>, what: string): Promise<T> {
    if (this.#patience === Infinity) return promise;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const program = this.#words.join(" ");
        reject(new Error(`${program}: after ${this.#patience} ms still no ${what}: ${this.said}`));
      }, this.#patience);
      promise.then(resolve).then(() => clearTimeout(timer));
    });
  }
}
