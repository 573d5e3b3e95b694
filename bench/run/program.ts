// A server or a client of a row, as a process that is told what to do line by line.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Program as Process } from "../../tools/program.ts";
import { RAISED } from "./system.ts";

export class Program extends Process {
  constructor(words: readonly string[]) {
    super([...RAISED, ...words]);
  }

  /** The next line, without this beginning; throws if it is another one. */
  async hear(beginning: string): Promise<string> {
    const line = await this.line();
    if (line?.startsWith(beginning)) return line.slice(beginning.length).trim();
    throw new Error(
      line ?? `It ended: ${this.said.slice(-2000).trim().split("\n").slice(0, 6).join(" | ")}`,
    );
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
      writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
    } catch {
      // Not on this system: there is no peak either.
    }
  }

  #threads(): string[] {
    try {
      return readdirSync(`/proc/${this.pid}/task`);
    } catch {
      return [];
    }
  }

  #status(name: string): number {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(this.#proc("status"))?.[1]) * 1024;
  }

  #proc(file: string): string {
    try {
      return readFileSync(`/proc/${this.pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  }
}
