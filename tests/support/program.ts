import { Program as Process, type ProgramOptions } from "../../tools/program.ts";
import { command, FLAGS } from "../../tools/runtimes.ts";
import { runtime } from "./runtime.ts";

/** A program of this repository, run by the runtime that runs the test. */
export class Program extends Process {
  /** `flags` are added to those of the runtime. */
  constructor(
    file: string,
    args: readonly string[] = [],
    { flags = [], ...options }: ProgramOptions & { readonly flags?: readonly string[] } = {},
  ) {
    super([command(runtime), ...FLAGS[runtime], ...flags, file, ...args], options);
  }

  /** Where it listens, as it prints. */
  async listening(): Promise<{ address: string; port: number }> {
    const [, address] = await this.until(/^listening (\S+)\n/m);
    return { address: address!, port: Number(address!.split(":").at(-1)) };
  }
}
