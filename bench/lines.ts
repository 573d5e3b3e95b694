// The lines that a program of the bench and its runner say to each other.
import process from "node:process";

/** Calls with each line of the standard input, one after another; ends the process with the input. */
export async function onLine(handle: (line: string) => void | Promise<void>): Promise<void> {
  let rest = "";
  process.stdin.setEncoding("utf8");
  for await (const text of process.stdin) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await handle(line);
  }
  process.exit();
}
