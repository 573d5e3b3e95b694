// What the clients of all rows have in common: they do the work that the runner sends.
import process from "node:process";
import type { Caller } from "./caller.ts";
import { onLine } from "./lines.ts";
import { closedLoop, openLoop } from "./loops.ts";
import type { Work } from "./work.ts";

/** Runs a client of the bench: its server's port is its argument. */
export async function client(connect: (port: number) => Promise<Caller>): Promise<void> {
  const port = Number(process.argv[2]);
  const idle: Caller[] = [];
  await onLine(async (line) => {
    try {
      const work: Work = JSON.parse(line);
      await hold(idle, work.idle ?? 0, () => connect(port));
      const callers = await open(work.connections, () => connect(port));
      const unread = await open(work.unread ?? 0, () => connect(port));
      for (const caller of unread) caller.unread!();
      console.log("begin");
      const result = await (work.rate ? openLoop : closedLoop)(callers, work);
      console.log(`result ${JSON.stringify(result)}`);
      for (const caller of [...callers, ...unread]) await caller.close();
    } catch (error) {
      console.log(`failed ${String((error as Error)?.message ?? error).split("\n")[0]}`);
    }
  });
}

function open(count: number, connect: () => Promise<Caller>): Promise<Caller[]> {
  return Promise.all(Array.from({ length: count }, connect));
}

/** Opens or closes connections until there are so many; each makes one call. */
async function hold(idle: Caller[], count: number, connect: () => Promise<Caller>): Promise<void> {
  while (idle.length > count) await idle.pop()!.close();
  while (idle.length < count) {
    // A few at a time: a backlog is not endless.
    const more = await open(Math.min(100, count - idle.length), connect);
    await Promise.all(
      more.map((caller) =>
        new Promise<void>((resolve, reject) =>
          caller.echo("hello", 1, (error) => error === undefined ? resolve() : reject(error))
        )
      ),
    );
    idle.push(...more);
  }
}
