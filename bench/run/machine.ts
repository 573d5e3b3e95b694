// On what it was measured.
import { execFileSync } from "node:child_process";
import * as os from "node:os";
import process from "node:process";
import { command, RUNTIMES } from "../../tools/runtimes.ts";

export interface Machine {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function machine(): Machine {
  const versions = RUNTIMES.map((name) => [name, version(command(name))]);
  return {
    system: `${os.type()} ${os.release()} ${process.arch}`,
    processor: os.cpus()[0]?.model.trim() || "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    loadBefore: Math.round(os.loadavg()[0]! * 10) / 10,
    versions: Object.fromEntries(versions),
  };
}

function version(program: string): string {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))![0];
  } catch {
    return "none";
  }
}
